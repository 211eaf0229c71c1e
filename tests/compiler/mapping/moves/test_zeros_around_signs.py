"""Zeros around signs: taps of a binary layer that count nothing, and values for all others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import few_fast, of_reals, signs
from tests.compiler.nets import compiled, op_names
from torch import Tensor

from signbit.errors import CompileError

SIZE = (5, 6, 3)
C = 4

WEIGHTS = torch.where(torch.arange(8 * C * 9).reshape(8, C, 3, 3) % 5 < 2, -1.0, 1.0)


def _binary(x: Tensor, padding: int = 0, **terms: Any) -> Tensor:
    names = ("scale", "weight_offset", "input_offset")
    operands = (terms.get(name) for name in names)
    groups = terms.get("groups", 1)
    weights = WEIGHTS[:, : C // groups]
    sides = [padding, padding]
    y: Tensor = torch.ops.signbit.binary_conv2d(
        x, weights, *operands, [1, 1], sides, [1, 1], groups
    )
    return y


def _padded(x: Tensor) -> Tensor:
    return F.pad(signs(x), (1, 2, 0, 3))


OFFSET = torch.linspace(-1, 1, 8)
DELTA = torch.tensor(0.3)

BINARY: dict[str, tuple[Callable[[Tensor], Tensor], list[str]]] = {
    "padded": (lambda x: _binary(_padded(x)), ["binary_conv"]),
    "padded twice": (lambda x: _binary(F.pad(_padded(x), (1, 1, 1, 1))), ["binary_conv"]),
    "padded, and by the layer": (lambda x: _binary(_padded(x), 1), ["binary_conv"]),
    "groups": (lambda x: _binary(_padded(x), 1, groups=2), ["binary_conv"]),
    "an offset of the weights": (
        lambda x: _binary(_padded(x), 1, weight_offset=OFFSET),
        ["sign_sum", "binary_conv"],
    ),
    "an offset of the input": (
        lambda x: _binary(_padded(x), input_offset=DELTA, scale=OFFSET),
        ["binary_conv"],
    ),
    "both offsets": (
        lambda x: _binary(_padded(x), input_offset=DELTA, weight_offset=OFFSET),
        ["sign_sum", "binary_conv"],
    ),
    "zeros, then ones": (
        lambda x: F.conv2d(F.pad(_padded(x), (1, 0), value=1), WEIGHTS / 3),
        ["real_conv", "real_conv"],
    ),
    "real weights": (lambda x: F.conv2d(_padded(x), WEIGHTS / 3, padding=1), ["real_conv"]),
    "a maximum": (lambda x: F.max_pool2d(_padded(x), 2), ["real_conv", "max_pool"]),
}


@pytest.mark.parametrize("name", few_fast(BINARY, 4))
def test_zeros(name: str) -> None:
    function, ops = BINARY[name]
    result = assert_exact(of_reals(C, function), SIZE, end_to_end=False)
    assert [op for op in op_names(result)[1:] if op != "identity"] == ops


VALUES: dict[str, Callable[[Tensor], Tensor]] = {
    "joined": lambda x: torch.cat((_padded(x), F.pad(signs(x + 1), (1, 2, 0, 3))), 1),
    "a part": lambda x: _padded(x)[:, 1:3],
    "sum": lambda x: _padded(x) + F.pad(x, (1, 2, 0, 3)),
    "mean": lambda x: _padded(x).mean((2, 3)),
    "a maximum, then a sign": lambda x: _binary(signs(F.max_pool2d(_padded(x), 2))),
    "joined, then a sign": lambda x: _binary(signs(torch.cat((_padded(x), _padded(x)), 1)[:, 2:6])),
    "a maximum, as reals": lambda x: _binary(F.max_pool2d(_padded(x), 2)),
    "joined, as reals": lambda x: _binary(torch.cat((_padded(x), _padded(x)), 1)[:, :C]),
    "zeros among ones, as reals": lambda x: _binary(F.pad(_padded(x), (1, 1), value=1.0)),
    "a sign": lambda x: _binary(signs(_padded(x)), 1),
    "zeros, then minus ones, then a sign": lambda x: _binary(
        signs(F.pad(_padded(x), (1, 1), value=-1)), 1
    ),
    "minus ones, then zeros, then a sign": lambda x: _binary(
        signs(F.pad(F.pad(signs(x), (1, 1), value=-1), (0, 1))), 1
    ),
    "minus a half around signs": lambda x: _binary(signs(F.pad(signs(x), (1, 1), value=-0.5))),
}


@pytest.mark.parametrize("name", few_fast(VALUES))
def test_values(name: str) -> None:
    assert_exact(of_reals(C, VALUES[name]), SIZE, end_to_end=False)


REFUSED: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "zeros that count and others": (
        lambda x: _binary(_padded(x), 1, input_offset=DELTA),
        "pads signs with zeros that count and zeros that do not",
    ),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError, match=re.escape(reason)):
        compiled(of_reals(C, function), SIZE)
