"""Activations of several bits: their levels, their gradients, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from signbit.errors import InputError
from signbit.nn import BinaryConv2d, MultiBitActivation, why
from signbit.nn.estimators import Clip


def _values(levels: MultiBitActivation, x: Tensor) -> Tensor:
    first = levels(x)
    assert first.scale is not None
    value = first.scale * (first.signs + (0 if first.offset is None else first.offset))
    return value + sum(scale * signs for signs, scale in first.more)


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_uniform_levels_are_the_nearest_ones(bits: int) -> None:
    x = torch.linspace(-1.5, 1.5, 1001).reshape(1, -1, 1, 1)
    steps = 2**bits - 1
    nearest = ((x.clamp(-1, 1) + 1) / 2 * steps).round() / steps * 2 - 1
    values = _values(MultiBitActivation(bits), x)
    on_the_edge = ((x + 1) / 2 * steps % 1 - 0.5).abs() < 1e-4
    torch.testing.assert_close(values[~on_the_edge], nearest[~on_the_edge])
    torch.testing.assert_close(
        values, _values(MultiBitActivation(bits), x[:, :, 0, 0])[..., None, None]
    )


def test_as_brevitas_thresholds() -> None:
    """out_scale · (how many thresholds are not above x) + out_bias, thresholds by channel."""
    thresholds = torch.tensor([[0.0, 1.0], [0.5, 2.0], [1.5, 3.0]])
    levels = MultiBitActivation(None, thresholds, [0.25] * 3, offset=3 * 0.25 - 1)
    x = torch.randn(4, 2, 3, 3) + 1
    counted = (x[:, None] >= thresholds[..., None, None]).sum(1)
    torch.testing.assert_close(_values(levels, x), 0.5 * counted - 1)


@pytest.mark.parametrize("weights", [None, [0.5, 0.3, -0.2]])
def test_the_gradient_is_the_sum_of_the_signs(weights: list[float] | None) -> None:
    levels = MultiBitActivation(2, weights=weights)
    layer = BinaryConv2d(3, 2, 1, activation_binarizer=levels)
    x = torch.randn(2, 3, 4, 4, requires_grad=True)
    y = layer(x)
    given = torch.randn_like(y)
    (found,) = torch.autograd.grad(y, x, given)
    signs = layer.weight_binarizer(layer.weight).signs[:, :, 0, 0]
    behind = torch.einsum("nohw,oc->nchw", given, signs)
    expected = torch.zeros_like(x)
    for weight, threshold in zip(levels.weights, (-2 / 3, 0, 2 / 3), strict=True):
        moved = (x - threshold).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(Clip()(moved), moved, behind)
        expected += weight * gradient
    torch.testing.assert_close(found, expected)


def test_no_native_operation_takes_it_for_one_sign() -> None:
    layer = BinaryConv2d(16, 16, 3, activation_binarizer=MultiBitActivation(2))
    assert why(layer)[0].path == "reference"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 0}, "1 to 4 bits, got 0"),
        ({"bits": None}, "1 to 4 bits, got None"),
        ({"bits": 2, "weights": [1.0]}, "has 3 thresholds and the weights"),
        ({"thresholds": [[[0.0]]]}, "must be finite"),
        ({"thresholds": [float("nan")]}, "must be finite"),
        ({"thresholds": [0.0, 1.0], "weights": [1.0, 0.0]}, "none of them 0"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MultiBitActivation(**arguments)


def test_refuses_other_channels() -> None:
    with pytest.raises(InputError, match="thresholds for 2 channels"):
        MultiBitActivation(thresholds=torch.zeros(3, 2))(torch.zeros(1, 5, 1, 1))
