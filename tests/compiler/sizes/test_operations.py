"""Operations of every family in files of any size: the answers at other sizes are PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.sizes.models import assert_answers_at, for_any_size, net
from tests.thorough import together
from torch import Tensor

import signbit
from signbit.errors import CompileError, InputError
from signbit.nn.estimators import sign

Function = Callable[[Tensor], Tensor]


def _sign(x: Tensor) -> Tensor:
    return sign(x, "clip")


OPEN: dict[str, Function] = {
    "gate": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "gate first": lambda x: F.hardsigmoid(x.amax((2, 3), keepdim=True)) * x,
    "map": lambda x: x * x.abs().mean(1, keepdim=True),
    "square": lambda x: x * x - x,
    "joined parts": lambda x: torch.cat((x[:, 2:], x.relu()[:, :2]), 1),
    "twice": lambda x: F.max_pool2d(F.interpolate(x, scale_factor=2), 3, 2),
    "thrice its size": lambda x: F.interpolate(x, size=(3 * x.shape[2], 3 * x.shape[3])),
    "ceil": lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True),
    "padded": lambda x: F.pad(x, (0, 2, 1, 0), value=0.5),
    "padded signs": lambda x: F.pad(_sign(x), (1, 0, 0, 2), value=-1.0),
    "zeros around signs": lambda x: F.pad(_sign(x), (1, 2, 1, 1)),
    "every other": lambda x: x[:, :, ::2, ::2],
    "ceil and padding": lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True),
    "padding counts not": lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    "dilated": lambda x: F.max_pool2d(x, 2, 1, dilation=2),
    "signs as values": lambda x: x + _sign(x) * _sign(x).mean((2, 3), keepdim=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("names", together(OPEN, 4))
def test_the_answers_are_pytorchs(names: list[str]) -> None:
    model = net(lambda x: reduce(lambda value, name: OPEN[name](value), names, x))
    file = for_any_size(model)
    for size in ((4, 4), (5, 13), (13, 6), (25, 8)):
        assert_answers_at(model, file.data, *size)


@pytest.mark.slow
def test_sizes_that_must_be_even() -> None:
    model = net(lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2) + 0.5, 2))
    file = for_any_size(model)
    fit = [each.size for each in file.sizes if each.agreement]
    assert len(fit) >= 3
    assert all(height % 2 == width % 2 == 0 for height, width in fit)
    assert any(each.why.startswith("PyTorch: ") for each in file.sizes)
    assert_answers_at(model, file.data, 4, 18)
    with pytest.raises(InputError, match=r"5×4 does not fit: .*block"):
        signbit.load(file.data, input_size=(5, 4))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda x: F.interpolate(x, scale_factor=0.5),
            r"at images of .*: moves rows or columns of a map",
        ),
        (lambda x: x.amax(2, keepdim=True), r"at images of .*aten\.amax.*: has the kernel"),
    ],
    ids=["half", "largest of columns"],
)
def test_what_is_not_the_same_at_every_size(function: Function, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        for_any_size(net(function))
