"""The named operations against a convolution of real operands, written out in NumPy float64."""

import numpy as np
import pytest
import torch
from tests.convolution import GEOMETRIES, conv_oracle

from signbit.nn.binarizers import BinaryWeight
from signbit.nn.functional import binary_conv2d, binary_linear

PARTS = {
    "bare": (),
    "scale": ("scale",),
    "weight offset": ("offset",),
    "input offset": ("input",),
    "scale and input offset": ("scale", "input"),
    "all": ("scale", "offset", "input"),
}


def leaf(array):
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def operands(rng, parts, out):
    """Scale, weight offset and input offset, None where they are not among the parts."""
    return (
        rng.uniform(-0.5, 2, out) if "scale" in parts else None,
        rng.normal(0, 0.7, out) if "offset" in parts else None,
        np.array(0.6) if "input" in parts else None,
    )


def or_one(scale):
    return 1.0 if scale is None else scale


def or_zero(offset):
    return 0.0 if offset is None else offset


def optional_leaf(array):
    return None if array is None else leaf(array)


def assert_gradient(tensor, expected):
    if tensor is not None:
        np.testing.assert_allclose(tensor.grad.numpy(), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("binary", ["both", "weights", "activations"])
def test_convolution_and_gradients(name, parts, binary):
    kernel, *geometry = GEOMETRIES[name]
    groups = geometry[-1]
    rng = np.random.default_rng(5)
    x = rng.choice([-1.0, 1.0], (2, 4, 6, 5))
    w = rng.choice([-1.0, 1.0], (4 if groups == 4 else 6, 4 // groups, *kernel))
    if binary == "weights":
        x = rng.normal(size=x.shape)
    if binary == "activations":
        w = rng.normal(size=w.shape)
    scale, offset, input_offset = operands(rng, PARTS[parts], len(w))

    def by_filter(values):
        return values if np.ndim(values) == 0 else values.reshape(-1, 1, 1, 1)

    y, incoming, to_x, to_w = conv_oracle(
        x + or_zero(input_offset),
        w * by_filter(or_one(scale)) + by_filter(or_zero(offset)),
        lambda shape: rng.normal(size=shape),
        kernel,
        *geometry,
    )
    signs, weight = leaf(x), leaf(w)
    scale_leaf, offset_leaf, input_leaf = map(optional_leaf, (scale, offset, input_offset))
    result = binary_conv2d(
        signs, BinaryWeight(weight, scale_leaf, offset_leaf), *geometry, input_offset=input_leaf
    )
    result.backward(torch.from_numpy(incoming))
    np.testing.assert_allclose(result.detach().numpy(), y, rtol=1e-10, atol=1e-11)
    assert_gradient(signs, to_x)
    assert_gradient(weight, to_w * by_filter(or_one(scale)))
    assert_gradient(scale_leaf, (to_w * w).sum((1, 2, 3)))
    assert_gradient(offset_leaf, to_w.sum((1, 2, 3)))
    assert_gradient(input_leaf, to_x.sum())


@pytest.mark.parametrize("parts", PARTS)
def test_linear_and_gradients(parts):
    rng = np.random.default_rng(6)
    x, w = rng.choice([-1.0, 1.0], (5, 7)), rng.choice([-1.0, 1.0], (3, 7))
    incoming = rng.normal(size=(5, 3))
    scale, offset, input_offset = operands(rng, PARTS[parts], 3)

    def by_filter(values):
        return values if np.ndim(values) == 0 else values.reshape(-1, 1)

    real_x = x + or_zero(input_offset)
    real_w = w * by_filter(or_one(scale)) + by_filter(or_zero(offset))
    to_w = incoming.T @ real_x
    signs, weight = leaf(x), leaf(w)
    scale_leaf, offset_leaf, input_leaf = map(optional_leaf, (scale, offset, input_offset))
    y = binary_linear(signs, BinaryWeight(weight, scale_leaf, offset_leaf), input_offset=input_leaf)
    y.backward(torch.from_numpy(incoming))
    np.testing.assert_allclose(y.detach().numpy(), real_x @ real_w.T, rtol=1e-11, atol=1e-12)
    assert_gradient(signs, incoming @ real_w)
    assert_gradient(weight, to_w * by_filter(or_one(scale)))
    assert_gradient(scale_leaf, (to_w * w).sum(1))
    assert_gradient(offset_leaf, to_w.sum(1))
    assert_gradient(input_leaf, (incoming @ real_w).sum())


def test_a_tap_outside_the_image_adds_nothing():
    # Two values 1.5 and -0.5 around a corner: of nine taps, four are inside.
    ones = torch.ones(1, 1, 3, 3)
    y = binary_conv2d(
        ones, BinaryWeight(torch.ones(1, 1, 3, 3)), padding=(1, 1), input_offset=torch.tensor(0.5)
    )
    assert y[0, 0].tolist() == [[6, 9, 6], [9, 13.5, 9], [6, 9, 6]]


def test_an_offset_of_one_element_keeps_its_shape():
    offset = torch.zeros(1, requires_grad=True)
    binary_linear(
        torch.ones(2, 3), BinaryWeight(torch.ones(4, 3)), input_offset=offset
    ).sum().backward()
    assert offset.grad.tolist() == [24]


def test_gradients_nobody_wants_are_not_computed():
    weight = BinaryWeight(leaf(np.ones((2, 3))), torch.ones(2, dtype=torch.float64))
    binary_linear(torch.ones(4, 3, dtype=torch.float64), weight).sum().backward()
    assert weight.signs.grad.tolist() == [[4, 4, 4], [4, 4, 4]]
    assert weight.scale.grad is None


@pytest.mark.slow
@pytest.mark.parametrize("parts", ["bare", "scale", "all"])
def test_the_operations_are_well_formed(parts):
    torch.manual_seed(0)
    signs = torch.randn(2, 4, 5, 5).sign().requires_grad_()
    weight = torch.randn(6, 2, 3, 3).sign().requires_grad_()
    reals = [
        value if value is None else torch.tensor(value, dtype=torch.float32, requires_grad=True)
        for value in operands(np.random.default_rng(0), PARTS[parts], 6)
    ]
    torch.library.opcheck(
        torch.ops.signbit.binary_conv2d.default, (signs, weight, *reals, [2, 1], [1, 0], [1, 2], 2)
    )
    torch.library.opcheck(
        torch.ops.signbit.binary_linear.default,
        (signs.detach().flatten(1).requires_grad_(), torch.ones(6, 100), *reals),
    )


def test_integers_are_exact_before_reals_come_in():
    # With scale 1 and offsets that are powers of two, every term is a float32 integer.
    torch.manual_seed(0)
    signs, weight = torch.randn(2, 300, 5, 5).sign(), torch.randn(8, 300, 3, 3).sign()
    parts = BinaryWeight(weight, torch.ones(8), torch.full((8,), 2.0))
    y = binary_conv2d(signs, parts, padding=(1, 1), input_offset=torch.tensor(4.0))
    wanted = torch.nn.functional.conv2d(signs.double() + 4, weight.double() + 2, padding=1)
    assert torch.equal(y.double(), wanted)
