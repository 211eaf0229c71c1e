"""Orders of dimensions, and values of PyTorch's as maps."""

from __future__ import annotations

import pytest
import torch

from signbit.compiler.axes import as_map, fitting, reordered, shape_in


@pytest.mark.parametrize(
    ("before", "order", "after", "wanted"),
    [
        ((5, 1, 7), "CHW", (5, 7), "CW"),
        ((5, 7), "CW", (5, 1, 7), "CHW"),
        ((7, 5), "WC", (1, 7, 5), "HWC"),
        ((5, 1, 1), "CHW", (5,), "C"),
        ((1, 1, 7), "CHW", (1, 7), "CW"),
        ((5, 7), "WC", (5, 7), "WC"),
        ((1, 1), "WC", (1, 1, 1), "CHW"),
        ((5, 7), "CW", (35,), None),
        ((5, 2, 7), "CHW", (10, 7), None),
        ((5, 2, 7), "CHW", (5, 2, 7, 1), None),
    ],
)
def test_dimensions_of_size_1_come_and_go(
    before: tuple[int, ...], order: str, after: tuple[int, ...], wanted: str | None
) -> None:
    assert reordered(before, order, after) == wanted
    if wanted is not None:
        assert shape_in(before, order) == shape_in(after, wanted) or 1 in (*before, *after)


def test_orders_fit_but_for_dimensions_of_size_1() -> None:
    assert fitting((4, 4), "WC", "WC")
    assert not fitting((4, 4), "WC", "CW")
    assert fitting((4, 1, 1), "CHW", "CWH")
    assert not fitting((1, 4), "WC", "CW")
    assert not fitting((4,), "C", "CW")


@pytest.mark.parametrize("order", ["CHW", "HWC", "WCH", "WC", "CW", "C", "W"])
def test_a_value_becomes_a_map_by_its_order(order: str) -> None:
    sizes = {"H": 2, "W": 3, "C": 5}
    own = [sizes[axis] for axis in order]
    value = torch.randn(4, *own)
    height, width, channels = shape_in(own, order)
    found = as_map(value, order, (height, width))
    assert found.shape == (4, height, width, channels)
    for axis, place in enumerate(order, 1):
        left = {0, 1, 2, 3} - {0, 1 + "HWC".index(place)}
        summed = found.sum(tuple(left))
        others = tuple({*range(1, value.dim())} - {axis})
        torch.testing.assert_close(torch.from_numpy(summed), value.sum(others) if others else value)


def test_a_vector_may_be_a_flattened_map() -> None:
    value = torch.randn(2, 5, 3, 4)
    found = as_map(value.flatten(1), "C", (3, 4))
    assert torch.equal(torch.from_numpy(found), value.permute(0, 2, 3, 1))
