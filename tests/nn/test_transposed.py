"""BinaryConvTranspose2d against PyTorch's transposed convolution of the same real operands."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from signbit import methods
from signbit.errors import InputError
from signbit.nn import BinaryConvTranspose2d, why
from signbit.nn.binarizers.weights import per_filter

_GEOMETRY = (4, 2, (1, 0), 1)


def _layer(method: str, groups: int) -> BinaryConvTranspose2d:
    parts = methods.get(method)
    torch.manual_seed(0)
    return BinaryConvTranspose2d(
        *(6, 4, *_GEOMETRY, groups),
        weight_binarizer=parts.weight_binarizer(4),
        activation_binarizer=parts.activation_binarizer(6),
    )


def _by_pytorch(layer: BinaryConvTranspose2d, x: Tensor) -> Tensor:
    """The same of reals: what the binarizers yield, multiplied out."""
    signs, scale, offset, magnitudes = layer.activation_binarizer(x)[:4]
    reals = signs + (0 if offset is None else offset)
    factor, shift = layer.weight_binarizer(layer.weight)[1:]
    weight = layer.weight_binarizer(layer.weight).signs
    weight = weight * (1 if factor is None else per_filter(factor, weight))
    weight = weight + (0 if shift is None else per_filter(shift, weight))
    groups = torch.cat([part.transpose(0, 1) for part in weight.chunk(layer.groups)])
    y = F.conv_transpose2d(reals, groups, None, *_GEOMETRY[1:], layer.groups)
    y = y if scale is None else y * scale
    if magnitudes is None:
        return y
    box = torch.full((1, 1, 4, 4), 1 / 4)
    return y * F.conv_transpose2d(magnitudes, box, None, *_GEOMETRY[1:])


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("method", ["adabin", "xnor"])
def test_values_and_gradients(method: str, groups: int) -> None:
    layer = _layer(method, groups)
    x = torch.randn(2, 6, 3, 5, requires_grad=True)
    weighted = torch.randn(2, 4, 7, 13)
    answers, gradients = [], []
    for function in (layer, lambda x: _by_pytorch(layer, x)):
        y = function(x)
        answers.append(y)
        gradients.append(torch.autograd.grad((y * weighted).sum(), [x, *layer.parameters()]))
    torch.testing.assert_close(*answers)
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_no_native_operation_takes_it_for_a_convolution() -> None:
    layer = _layer("bnn", 1)
    for images in (None, torch.randn(2, 6, 3, 5)):
        (path,) = why(layer, images)
        assert (path.path, "transposed" in path.reason) == ("reference", True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 1, "stride": 2}, "leaves holes"),
        ({"kernel_size": 2, "stride": 2, "output_padding": 2}, "must be less than stride=2"),
        ({"kernel_size": 2, "groups": 3}, "BinaryConvTranspose2d: groups=3"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        BinaryConvTranspose2d(4, 4, **arguments)


def test_names_itself_for_a_wrong_input() -> None:
    with pytest.raises(InputError, match="BinaryConvTranspose2d expects"):
        _layer("bnn", 1)(torch.zeros(1, 5, 3, 3))
