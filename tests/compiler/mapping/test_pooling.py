"""Pools, means and maxima over the map, against PyTorch and on every instruction set."""

from __future__ import annotations

import re

import pytest
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import Function, before_signs, few_fast, of_reals, of_signs
from tests.compiler.nets import compiled, op_names
from torch import Tensor

from signbit.errors import CompileError

SIZE = (7, 10, 3)

MAXIMA: dict[str, tuple[Function, str]] = {
    "windows": (lambda x: F.max_pool2d(x, 2), "max_pool"),
    "overlapping": (lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0)), "max_pool"),
    "ceil": (lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), "max_pool"),
    "ceil and padding": (lambda x: F.max_pool2d(x, 3, 4, 1, ceil_mode=True), "max_pool"),
    "dilated": (lambda x: F.max_pool2d(x, (3, 2), 1, dilation=(2, 5)), "max_pool"),
    "dilated, padded, ceil": (lambda x: F.max_pool2d(x, 3, 2, 1, 3, True), "max_pool"),
    "larger than the map, ceil": (
        lambda x: F.max_pool2d(x, (11, 12), 9, (0, 1), 1, True),
        "max_pool",
    ),
    "with places": (lambda x: F.max_pool2d(x, 2, return_indices=True)[0], "max_pool"),
    "whole map": (lambda x: F.max_pool2d(x, x.shape[2:]), "max_pool"),
    "adaptive to one": (lambda x: F.adaptive_max_pool2d(x, 1).flatten(1), "global_max"),
    "adaptive": (lambda x: F.adaptive_max_pool2d(x, (7, 2)), "max_pool"),
    "amax": (lambda x: x.amax((2, 3)), "global_max"),
    "amax, kept": (lambda x: x.amax((-1, -2), keepdim=True).flatten(1), "global_max"),
    "of a row": (lambda x: x.amax(3, keepdim=True), "max_pool"),
    "of a column": (lambda x: x.max(2, keepdim=True)[0], "max_pool"),
}

MEANS: dict[str, tuple[Function, str]] = {
    "windows": (lambda x: F.avg_pool2d(x, 2), "avg_pool"),
    "padded": (lambda x: F.avg_pool2d(x, 3, 2, 1), "avg_pool"),
    "padded, not counted": (lambda x: F.avg_pool2d(x, (2, 3), 1, 1, False, False), "avg_pool"),
    "ceil": (lambda x: F.avg_pool2d(x, 3, 2, 0, True), "avg_pool"),
    "ceil, padded": (lambda x: F.avg_pool2d(x, 4, 3, (2, 1), True, True), "avg_pool"),
    "ceil, padded, not counted": (lambda x: F.avg_pool2d(x, 4, 3, 2, True, False), "avg_pool"),
    "larger than the map, ceil": (lambda x: F.avg_pool2d(x, (9, 13), 8, (1, 0), True), "avg_pool"),
    "adaptive": (lambda x: F.adaptive_avg_pool2d(x, (1, 5)), "avg_pool"),
    "adaptive to its size": (lambda x: F.adaptive_avg_pool2d(x, (7, 10)), "avg_pool"),
    "adaptive to one": (lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), "global_mean"),
    "mean": (lambda x: x.mean((2, 3)), "global_mean"),
    "mean from behind": (lambda x: x.mean((-1, -2)), "global_mean"),
    "mean, kept": (lambda x: x.mean([3, 2], keepdim=True).flatten(1), "global_mean"),
    "mean of a row": (lambda x: x.mean(-1, keepdim=True), "avg_pool"),
}


@pytest.mark.parametrize("channels", few_fast((65, 1), 1))
@pytest.mark.parametrize("name", few_fast(MAXIMA))
def test_maxima_of_reals(name: str, channels: int) -> None:
    function, op = MAXIMA[name]
    assert op_names(assert_exact(of_reals(channels, function), SIZE))[-1] == op


_WINDOWS = [name for name, (_, op) in MAXIMA.items() if op == "max_pool"]


@pytest.mark.parametrize("name", few_fast(_WINDOWS))
def test_maxima_of_signs_stay_bits(name: str) -> None:
    function, op = MAXIMA[name]
    result = assert_exact(of_signs(3, function, SIZE[:2]), SIZE, end_to_end=False)
    assert op_names(result)[-2:] == [op, "binary_conv"]


@pytest.mark.parametrize("channels", few_fast((65, 1), 1))
@pytest.mark.parametrize("name", few_fast(MEANS))
def test_means(name: str, channels: int) -> None:
    function, op = MEANS[name]
    assert op_names(assert_exact(of_reals(channels, function), SIZE))[-1] == op


@pytest.mark.parametrize("function", [MAXIMA["ceil and padding"], MEANS["ceil, padded"]])
def test_signs_of_what_was_pooled(function: tuple[Function, str]) -> None:
    assert_exact(before_signs(3, function[0], SIZE[:2]), SIZE, end_to_end=False)


def test_pools_of_one_pixel() -> None:
    def function(x: Tensor) -> Tensor:
        for pool in (F.max_pool2d, F.avg_pool2d):
            x = pool(x, 3, 2, 1)
        return x

    assert_exact(of_reals(3, function), (1, 1, 3))


REFUSED: dict[str, tuple[Function, str]] = {
    "a divisor": (lambda x: F.avg_pool2d(x, 2, divisor_override=3), "has a divisor of its own"),
    "uneven maximum": (lambda x: F.adaptive_max_pool2d(x, 3), "windows of different sizes"),
    "larger": (lambda x: F.adaptive_max_pool2d(x, (14, 10)), "windows of different sizes"),
    "a wide dilation": (
        lambda x: F.max_pool2d(x, (2, 1), 1, (1, 0), (8, 1)),
        "has a dilation of 8 on 7 pixels",
    ),
    "a wide dilation, ceil": (
        lambda x: F.max_pool2d(x, 3, 3, 0, (4, 1), True),
        "has a window larger than the 7 rows",
    ),
    "places": (lambda x: x + F.max_pool2d(x, 1, return_indices=True)[1], "has a result 1 that"),
    "over all": (lambda x: x.amax((1, 2, 3)), "takes the maximum of something other"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError, match=re.escape(reason)):
        compiled(of_reals(4, function), SIZE)
