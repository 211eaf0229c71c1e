"""Signs around maps and signals, and what is refused."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from signbit.errors import InputError
from signbit.nn import padding
from signbit.nn.padding import SignPadding


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("sides", [2, (1, 0), (1, 2, 0, 3)])
def test_pads_with_signs(sides: Any, sign: int) -> None:
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    wanted = F.pad(x, (sides,) * 4 if isinstance(sides, int) else sides, value=sign)
    y = SignPadding(sides, sign)(x)
    assert torch.equal(y, wanted)
    y.sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))


def test_signals_are_padded_along_their_length() -> None:
    x = torch.randn(2, 3, 4)
    assert torch.equal(SignPadding(2)(x), F.pad(x, (2, 2), value=1))
    assert SignPadding((0, 1), -1)(x)[0, 0, 4] == -1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1,), "none negative"),
        (((1, 2, 3),), "none negative"),
        (((1.5, 2),), "none negative"),
        ((1, 0), "1 or -1, got 0"),
    ],
)
def test_refuses(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SignPadding(*arguments)


def test_refuses_other_inputs() -> None:
    with pytest.raises(InputError, match=r"got \(1, 3\)"):
        SignPadding(1)(torch.zeros(1, 3))
    with pytest.raises(InputError, match=r"got \(1, 3, 4\)"):
        SignPadding((1, 1, 1, 1))(torch.zeros(1, 3, 4))


def test_docstring_example() -> None:
    assert doctest.testmod(padding, extraglobs={"torch": torch}).failed == 0
