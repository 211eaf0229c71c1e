"""Pixels repeated, left out and exchanged for channels, against PyTorch, on every ISA."""

from __future__ import annotations

import re

import pytest
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import Function, before_signs, few_fast, of_reals, of_signs
from tests.compiler.nets import compiled, op_names

from signbit.errors import CompileError

SIZE = (6, 4, 3)

MOVES: dict[str, tuple[int, Function]] = {
    "nearest by a factor": (5, lambda x: F.interpolate(x, scale_factor=2)),
    "nearest by two factors": (3, lambda x: F.interpolate(x, scale_factor=(3.0, 1.0))),
    "nearest to a size": (65, lambda x: F.interpolate(x, size=(12, 20))),
    "nearest, exact": (3, lambda x: F.interpolate(x, scale_factor=2, mode="nearest-exact")),
    "nearest to its size": (3, lambda x: F.interpolate(x, size=x.shape[2:])),
    "nearest to a divisor": (5, lambda x: F.interpolate(x, size=(3, 1))),
    "nearest by a broken factor": (5, lambda x: F.interpolate(x, scale_factor=1.5)),
    "nearest up and down": (3, lambda x: F.interpolate(x, size=(11, 3))),
    "nearest, exact by a half": (
        3,
        lambda x: F.interpolate(x, scale_factor=0.5, mode="nearest-exact"),
    ),
    "nearest by a half": (5, lambda x: F.interpolate(x, scale_factor=0.5)),
    "one pixel everywhere": (3, lambda x: F.adaptive_max_pool2d(x, 1).expand(-1, -1, 6, 4)),
    "rows repeated": (3, lambda x: x.repeat_interleave(2, 2)),
    "columns repeated": (3, lambda x: x.repeat_interleave(3, dim=-1)),
    "shuffle": (8, lambda x: F.pixel_shuffle(x, 2)),
    "shuffle of one channel": (9, lambda x: F.pixel_shuffle(x, 3)),
    "unshuffle": (5, lambda x: F.pixel_unshuffle(x, 2)),
    "there and back": (3, lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2)),
    "shuffle by 1": (3, lambda x: F.pixel_shuffle(x, 1)),
    "every second": (5, lambda x: x[:, :, ::2, ::2]),
    "every third row": (5, lambda x: x[:, :, ::3]),
    "the first row": (5, lambda x: x[:, :, ::7]),
}


@pytest.mark.parametrize("name", few_fast(MOVES))
def test_of_reals(name: str) -> None:
    channels, function = MOVES[name]
    assert_exact(of_reals(channels, function), SIZE)


@pytest.mark.parametrize("name", few_fast(MOVES))
def test_of_signs_they_stay_bits(name: str) -> None:
    channels, function = MOVES[name]
    result = assert_exact(of_signs(channels, function, SIZE[:2]), SIZE, end_to_end=False)
    assert "binary_conv" in op_names(result)


@pytest.mark.parametrize("name", ["nearest by two factors", "shuffle", "unshuffle"])
def test_signs_of_what_moved(name: str) -> None:
    channels, function = MOVES[name]
    assert_exact(before_signs(channels, function, SIZE[:2]), SIZE, end_to_end=False)


REFUSED: dict[str, tuple[Function, str]] = {
    "odd rows": (lambda x: x[:, :, 1::2], "takes a part of the rows or columns"),
    "repeated channels": (lambda x: x.repeat_interleave(2, 1), "repeats something other than"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError, match=re.escape(reason)):
        compiled(of_reals(4, function), SIZE)
