"""Layer normalisation of tokens, of pixels and of vectors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import of_reals
from tests.compiler.nets import op_names
from torch import Tensor, nn

from signbit.nn.layers import BinaryLinear

Function = Callable[[Tensor], Tensor]


def _drawn(channels: int, **keys: bool) -> nn.LayerNorm:
    torch.manual_seed(0)
    norm = nn.LayerNorm(channels, **keys)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.add_(torch.randn(channels))
    return norm


def _before_layer(channels: int) -> Function:
    norm, layer = _drawn(channels), BinaryLinear(channels, 3)
    return lambda x: layer(norm(x.flatten(2).transpose(1, 2))).mean(1)


def _of_pixels(norm: nn.Module) -> Function:
    return lambda x: norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _of_vectors(norm: nn.Module) -> Function:
    return lambda x: norm(x.amax((2, 3)))


KNOWN: dict[str, tuple[int, Function]] = {
    "pixels, channels last": (5, _of_pixels(_drawn(5))),
    "tokens before signs": (65, _before_layer(65)),
    "vectors without parameters": (6, lambda x: F.layer_norm(x.mean((2, 3)), (6,), eps=0.1)),
    "without a bias": (3, _of_vectors(_drawn(3, bias=False))),
    "over columns": (4, lambda x: x + F.layer_norm(x, (5,))),
    "of one channel": (1, lambda x: x.mean((2, 3)) + F.layer_norm(x.mean((2, 3)), (1,))),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if k else []) for k, name in enumerate(KNOWN)],
)
def test_known(name: str) -> None:
    channels, function = KNOWN[name]
    result = assert_exact(of_reals(channels, function), (4, 5, 3), end_to_end=False)
    assert op_names(result).count("layer_norm") == 1
