"""Layers that read activations of several bits: weights are stored once, sums are exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import few_fast, of_reals
from tests.compiler.nets import op_names
from tests.compiler.small import randomise_latents
from tests.thorough import drawn
from torch import nn

from signbit import methods
from signbit.compiler import Compiled
from signbit.nn import (
    BinaryConv1d,
    BinaryConv2d,
    BinaryConvTranspose2d,
    BinaryLinear,
    MultiBitActivation,
)

_LEVELS: dict[str, Callable[[int], MultiBitActivation]] = {
    "2 bits": lambda channels: MultiBitActivation(2),
    "3 bits": lambda channels: MultiBitActivation(3),
    "from 0 on": lambda channels: MultiBitActivation(
        None, [0.25, 0.75, 1.25], [0.25] * 3, offset=0.75
    ),
    "by channel": lambda channels: MultiBitActivation(
        None, torch.linspace(-1, 1, 2 * channels).reshape(2, channels)
    ),
    "own weights": lambda channels: MultiBitActivation(None, [-0.5, 0.1, 0.6], [0.5, 0.3, -0.2]),
}


def _randomised(layer: nn.Module) -> nn.Module:
    torch.manual_seed(3)
    randomise_latents(layer)
    return layer.eval()


def _weights(result: Compiled) -> list[int]:
    """Which constants the binary convolutions have as weights."""
    return [node["weight"] for node in result.graph.nodes if node.op == "binary_conv"]


@pytest.mark.parametrize("levels", few_fast(_LEVELS, 2))
@pytest.mark.parametrize("method", few_fast(["xnor", "adabin", "bnn"], 1))
@pytest.mark.parametrize("groups", few_fast([1, 2], 1))
def test_every_kind(levels: str, method: str, groups: int) -> None:
    weights = methods.get(method).weight_binarizer(5)
    layer = BinaryConv2d(
        *(6, 6, 3, 1, 1, 1, groups),
        weight_binarizer=weights,
        activation_binarizer=_LEVELS[levels](6),
    )
    model = nn.Sequential(_randomised(layer), nn.BatchNorm2d(6), nn.Hardtanh())
    result = assert_exact(of_reals(6, model.eval()), (5, 4, 3), end_to_end=False)
    products = 3 if levels == "own weights" else 1
    assert len(_weights(result)) == products
    assert len(set(_weights(result))) == 1


def test_sums_are_compared_as_whole_numbers_and_weights_stored_once() -> None:
    first = BinaryConv2d(8, 12, 3, padding=1, activation_binarizer=MultiBitActivation(2))
    second = BinaryConv2d(12, 4, 3, activation_binarizer=MultiBitActivation(2))
    model = nn.Sequential(first, nn.BatchNorm2d(12), second, nn.BatchNorm2d(4))
    result = assert_exact(of_reals(8, _randomised(model)), (5, 4, 3), end_to_end=False)
    node = next(node for node in result.graph.nodes if node.op == "binary_conv")
    assert (node["copies"], len(node.outputs)) == (3, 3)
    assert all(result.constants[str(x.threshold)].dtype == np.int32 for x in node.outputs)
    assert result.constants[str(node["weight"])].shape == (12, 2)


@pytest.mark.slow
@pytest.mark.parametrize("levels", ["2 bits", "own weights"])
@pytest.mark.parametrize("kind", ["signal", "vector", "features", "tokens", "transposed"])
def test_every_layer(kind: str, levels: str) -> None:
    parts: dict[str, Any] = {"activation_binarizer": _LEVELS[levels](6)}
    function: Callable[[Any], Any]
    if kind == "signal":
        layer = _randomised(BinaryConv1d(6, 5, 3, **parts))
        function = lambda x: layer(x.amax(2)).unsqueeze(2)  # noqa: E731
    elif kind == "transposed":
        function = _randomised(BinaryConvTranspose2d(6, 4, 3, 2, 1, 1, **parts))
    elif kind == "vector":
        layer = _randomised(BinaryLinear(6, 5, **parts))
        function = lambda x: layer(x.mean((2, 3)))[:, :, None, None]  # noqa: E731
    elif kind == "features":
        layer = _randomised(BinaryLinear(6 * 12, 5, **parts))
        function = lambda x: layer(x.flatten(1))[:, :, None, None]  # noqa: E731
    else:
        layer = _randomised(BinaryLinear(6, 5, **parts))
        function = lambda x: layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # noqa: E731
    assert "binary_conv" in op_names(
        assert_exact(of_reals(6, function), (3, 4, 3), end_to_end=False)
    )


@pytest.mark.slow
@drawn(60, least=12)
@given(data=st.data())
def test_any(data: st.DataObject) -> None:
    groups = data.draw(st.sampled_from((1, 1, 1, 3)), "groups")
    channels = groups * data.draw(st.sampled_from((1, 3, 8, 32, 65)), "channels in a group")
    kernel = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)), "kernel")
    padding = data.draw(st.integers(0, 2), "padding")
    size = data.draw(st.tuples(st.integers(3, 6), st.integers(3, 6), st.just(3)), "size")
    count = data.draw(st.integers(1, 7), "signs")
    offset = data.draw(st.sampled_from((0.0, 1.0)), "offset")
    thresholds = torch.linspace(-1, 1, count + 2)[1:-1]
    levels = MultiBitActivation(None, thresholds, offset=offset)
    layer = BinaryConv2d(
        *(channels, 2 * groups, kernel, data.draw(st.integers(1, 2), "stride"), padding, 1),
        groups,
        activation_binarizer=levels,
    )
    assert_exact(of_reals(channels, _randomised(layer)), size, end_to_end=False)
