"""Signs by given thresholds: values, ties, and what is refused."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest
import torch

from signbit.errors import InputError
from signbit.nn import thresholds
from signbit.nn.thresholds import Threshold


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("inverted", [False, True, [True, False, True]])
def test_compares_by_channel(shape: tuple[int, ...], inverted: bool | list[bool]) -> None:
    torch.manual_seed(0)
    x = torch.randint(-3, 4, shape).float()
    values = [-1, 0, 2]
    y = Threshold(values, inverted)(x)
    below = x.numpy() < np.reshape(values, (3, *[1] * (x.dim() - 2)))
    flags = np.reshape(np.broadcast_to(inverted, 3), (3, *[1] * (x.dim() - 2)))
    np.testing.assert_array_equal(y.numpy(), np.where(below ^ flags, -1, 1))


def test_a_real_threshold_compares_as_it_is() -> None:
    """Every float32 beside a threshold that float32 does not have, and ones that it has."""
    for bound in (0.1, -0.1, 1 / 3, 0.5, 1e-46, -1e-46, 16777217.0, 0.0):
        near = np.float32(bound)
        beside = [np.nextafter(near, np.float32(way)) for way in (-np.inf, np.inf)]
        x = np.array([[beside[0]], [near], [beside[1]]], np.float32)
        y = Threshold(bound)(torch.from_numpy(x)).numpy()
        np.testing.assert_array_equal(y, np.where(x.astype(np.float64) < bound, -1, 1))


def test_special_values() -> None:
    x = torch.tensor([[torch.nan], [torch.inf], [-torch.inf], [-0.0]])
    assert Threshold(0)(x).flatten().tolist() == [1, 1, -1, 1]
    assert Threshold(0, inverted=True)(x).flatten().tolist() == [-1, -1, 1, -1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0]],), "one number, or a list"),
        (([],), "one number, or a list"),
        ((True,), "one number, or a list"),
        (([1.0, torch.nan],), "finite float32"),
        ((torch.inf,), "finite float32"),
        ((1e39,), "finite float32"),
        ((2**24 + 1,), "within ±2"),
        (([1, 2, 3], [True, False]), "3 thresholds and 2 flags"),
        ((1, [1, 0]), "inverted must be a flag"),
    ],
)
def test_refuses(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Threshold(*arguments)


def test_refuses_other_channels() -> None:
    with pytest.raises(InputError, match=r"\(N, 2, …\), got \(1, 3, 4, 4\)"):
        Threshold([1, 2])(torch.zeros(1, 3, 4, 4))
    with pytest.raises(InputError, match=r"\(N, channels, …\), got \(3,\)"):
        Threshold(1)(torch.zeros(3))


def test_docstring_example() -> None:
    assert doctest.testmod(thresholds).failed == 0
