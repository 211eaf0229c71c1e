"""Transposed convolutions of signs by the parts of every method, and what is refused of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import before_signs, few_fast, of_reals
from tests.compiler.nets import compiled, op_names
from tests.compiler.small import randomise_latents, randomise_vectors
from tests.thorough import drawn
from torch import nn

from signbit import methods
from signbit.compiler import Compiled
from signbit.errors import CompileError
from signbit.nn import BinaryConvTranspose2d

_METHODS = ("xnor", "adabin", "bnn", "irnet", "sdbnn", "reactnet")


def _layer(method: str, binarize: str, channels: int, out: int, *geometry: Any) -> nn.Module:
    parts = methods.get(method, binarize=binarize)
    torch.manual_seed(2)
    layer = BinaryConvTranspose2d(
        *(channels, out, *geometry),
        weight_binarizer=parts.weight_binarizer(out),
        activation_binarizer=parts.activation_binarizer(channels),
    )
    randomise_latents(layer)
    randomise_vectors(layer)
    return layer.eval()


def _dots(result: Compiled) -> list[str]:
    return [op for op in op_names(result) if op == "binary_conv"]


@pytest.mark.parametrize(("kernel", "padding", "count"), [(4, 1, 4), (2, 0, 1)])
def test_one_node_for_each_window(kernel: int, padding: int, count: int) -> None:
    layer = _layer("bnn", "both", 6, 5, kernel, 2, padding)
    result = assert_exact(of_reals(6, layer), (3, 4, 3), end_to_end=False)
    assert len(_dots(result)) == count
    assert op_names(result)[-1] == "depth_to_space"


@pytest.mark.parametrize("method", few_fast(_METHODS, 1))
@pytest.mark.parametrize("binarize", few_fast(["both", "weights", "activations"], 1))
@pytest.mark.parametrize("kernel", few_fast([3, 2], 1))
def test_every_method(method: str, binarize: str, kernel: int) -> None:
    layer = _layer(method, binarize, 6, 4, kernel, 2, kernel - 2, kernel - 2)
    assert_exact(before_signs(6, layer, (3, 5)), (3, 5, 3), end_to_end=False)


@pytest.mark.slow
@drawn(60, least=12)
@given(data=st.data())
def test_any(data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, 3), "stride")
    kernel = data.draw(st.integers(stride, 5), "kernel")
    padding = data.draw(st.integers(0, kernel - stride), "padding")
    extra = (2 * padding - kernel) % stride
    groups = data.draw(st.sampled_from((1, 1, 2, 3)), "groups")
    channels = groups * data.draw(st.sampled_from((1, 2, 3, 22)), "channels in a group")
    out = groups * data.draw(st.integers(1, 3), "results in a group")
    size = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 6), st.just(3)), "size")
    method = data.draw(st.sampled_from(_METHODS), "method")
    assume(stride * (min(size[:2]) - 1) + kernel > 2 * padding)
    layer = _layer(method, "both", channels, out, kernel, stride, padding, extra, groups)
    assert_exact(of_reals(channels, layer), size, end_to_end=False)


REFUSED: dict[str, tuple[nn.Module, str]] = {
    "two strides": (BinaryConvTranspose2d(4, 4, 2, (1, 2)), "one stride for both directions"),
    "rows that nothing reads": (BinaryConvTranspose2d(4, 4, 2, 2, 1), "take less padding"),
    "an odd size": (BinaryConvTranspose2d(4, 4, 3, 2, 1), "another output_padding"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REFUSED])
def test_refuses(name: str) -> None:
    layer, cure = REFUSED[name]
    with pytest.raises(CompileError) as caught:
        compiled(of_reals(4, layer), (4, 5, 3))
    assert cure in str(caught.value)
