"""Binary layers against a convolution and its gradients written out tap by tap in NumPy float64."""

import doctest

import numpy as np
import pytest
import torch
from torch import nn

from signbit import layers
from signbit.binarizers import BinaryWeight, MeanAbsScale
from signbit.errors import InputError
from signbit.layers import BinaryConv2d, BinaryLinear, binary_conv2d, binary_linear

# name: kernel, stride, padding, dilation, groups
GEOMETRIES = {
    "plain": ((3, 3), (1, 1), (1, 1), (1, 1), 1),
    "strided": ((3, 2), (2, 1), (0, 1), (1, 1), 1),
    "dilated": ((2, 3), (1, 2), (2, 1), (2, 1), 1),
    "grouped": ((3, 3), (2, 2), (1, 1), (1, 1), 2),
    "depthwise": ((1, 3), (1, 1), (0, 1), (1, 1), 4),
}


def conv_oracle(x, w, incoming, kernel, stride, padding, dilation, groups):
    """(y, gradient of x, gradient of w); `incoming` is a function of y's shape."""
    n, channels, height, width = x.shape
    out = w.shape[0]
    padded = np.zeros((n, channels, height + 2 * padding[0], width + 2 * padding[1]))
    inside = np.s_[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width]
    padded[inside] = x
    rows = (padded.shape[2] - dilation[0] * (kernel[0] - 1) - 1) // stride[0] + 1
    columns = (padded.shape[3] - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1
    grad = incoming((n, out, rows, columns))
    y = np.zeros_like(grad)
    to_x, to_w = np.zeros_like(padded), np.zeros_like(w)
    per_in, per_out = channels // groups, out // groups
    for o in range(out):
        group = slice(o // per_out * per_in, (o // per_out + 1) * per_in)
        for i in range(rows):
            for j in range(columns):
                for ky in range(kernel[0]):
                    for kx in range(kernel[1]):
                        r, c = i * stride[0] + ky * dilation[0], j * stride[1] + kx * dilation[1]
                        y[:, o, i, j] += padded[:, group, r, c] @ w[o, :, ky, kx]
                        to_x[:, group, r, c] += grad[:, o, i, j, None] * w[o, :, ky, kx]
                        to_w[o, :, ky, kx] += grad[:, o, i, j] @ padded[:, group, r, c]
    return y, grad, to_x[inside], to_w


def leaf(array):
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_convolution_and_gradients(name, scaled):
    kernel, *geometry = GEOMETRIES[name]
    groups = geometry[-1]
    rng = np.random.default_rng(5)
    x = rng.choice([-1.0, 1.0], (2, 4, 6, 5))
    w = rng.choice([-1.0, 1.0], (4 if groups == 4 else 6, 4 // groups, *kernel))
    scale = rng.uniform(-0.5, 2, len(w)) if scaled else np.ones(len(w))
    spread = scale[:, None, None]
    # The oracle convolves without scale; by the chain rule its incoming gradient is scale · grad.
    dots, incoming, to_x, to_w = conv_oracle(
        x, w, lambda shape: rng.normal(size=shape) * spread, kernel, *geometry
    )
    signs, weight = leaf(x), leaf(w)
    factor = leaf(scale) if scaled else None
    y = binary_conv2d(signs, BinaryWeight(weight, factor), *geometry)
    y.backward(torch.from_numpy(incoming / spread))
    np.testing.assert_allclose(y.detach().numpy(), dots * spread, rtol=1e-12)
    np.testing.assert_allclose(signs.grad.numpy(), to_x, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(weight.grad.numpy(), to_w, rtol=1e-9, atol=1e-12)
    if scaled:
        to_scale = (incoming / spread * dots).sum((0, 2, 3))
        np.testing.assert_allclose(factor.grad.numpy(), to_scale, rtol=1e-9, atol=1e-12)


def test_linear_and_gradients():
    rng = np.random.default_rng(6)
    x, w = rng.choice([-1.0, 1.0], (5, 7)), rng.choice([-1.0, 1.0], (3, 7))
    scale, incoming = rng.uniform(0.1, 2, 3), rng.normal(size=(5, 3))
    signs, weight, factor = leaf(x), leaf(w), leaf(scale)
    y = binary_linear(signs, BinaryWeight(weight, factor))
    y.backward(torch.from_numpy(incoming))
    np.testing.assert_allclose(y.detach().numpy(), x @ w.T * scale, rtol=1e-12)
    np.testing.assert_allclose(signs.grad.numpy(), (incoming * scale) @ w, rtol=1e-12)
    np.testing.assert_allclose(weight.grad.numpy(), (incoming * scale).T @ x, rtol=1e-12)
    np.testing.assert_allclose(factor.grad.numpy(), (incoming * (x @ w.T)).sum(0), rtol=1e-12)


def test_gradients_nobody_wants_are_not_computed():
    weight = BinaryWeight(leaf(np.ones((2, 3))), torch.ones(2, dtype=torch.float64))
    binary_linear(torch.ones(4, 3, dtype=torch.float64), weight).sum().backward()
    assert weight.signs.grad.tolist() == [[4, 4, 4], [4, 4, 4]]
    assert weight.scale.grad is None


def test_the_operations_are_well_formed():
    torch.manual_seed(0)
    signs = torch.randn(2, 4, 5, 5).sign().requires_grad_()
    weight = torch.randn(6, 2, 3, 3).sign().requires_grad_()
    for scale in (None, torch.rand(6, requires_grad=True)):
        torch.library.opcheck(
            torch.ops.signbit.binary_conv2d.default,
            (signs, weight, scale, [2, 1], [1, 0], [1, 2], 2),
        )
        torch.library.opcheck(
            torch.ops.signbit.binary_linear.default,
            (signs.detach().flatten(1).requires_grad_(), torch.ones(6, 100), scale),
        )


def test_dot_products_stay_exact_integers_under_autocast():
    torch.manual_seed(0)
    layer = BinaryConv2d(301, 2, 3, padding=1)
    x = torch.randn(1, 301, 4, 4, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x.bfloat16().abs())  # all +1: dots as large as they get
    assert y.dtype == torch.float32
    assert torch.equal(y, layer(x.abs()))
    y.sum().backward()
    assert torch.isfinite(layer.weight.grad).all()
    with torch.autocast("cpu", torch.bfloat16):
        assert BinaryLinear(9, 2)(torch.ones(1, 9, dtype=torch.bfloat16)).dtype == torch.float32


def test_layer_binarizes_input_and_weight():
    torch.manual_seed(1)
    layer = BinaryConv2d(3, 5, 3, stride=2, padding=1, weight_binarizer=MeanAbsScale())
    x = torch.randn(2, 3, 7, 7)
    w = layer.weight.detach()
    alpha = w.abs().mean((1, 2, 3))
    expected = nn.functional.conv2d(
        torch.where(x < 0, -1.0, 1.0), torch.where(w < 0, -1.0, 1.0), stride=2, padding=1
    ) * alpha.reshape(-1, 1, 1)
    torch.testing.assert_close(layer(x), expected)
    linear = BinaryLinear(3, 5)
    assert set(linear(torch.randn(8, 3)).unique().tolist()) <= {-3.0, -1.0, 1.0, 3.0}


def test_layers_refuse_wrong_inputs_and_arguments():
    with pytest.raises(InputError, match=r"\(N, 4, H, W\), got \(1, 3, 8, 8\)"):
        BinaryConv2d(4, 4, 3)(torch.zeros(1, 3, 8, 8))
    with pytest.raises(InputError, match=r"\(N, 4, H, W\)"):
        BinaryConv2d(4, 4, 3)(torch.zeros(4, 8, 8))
    with pytest.raises(InputError, match=r"\(N, 4\), got \(1, 5\)"):
        BinaryLinear(4, 2)(torch.zeros(1, 5))
    with pytest.raises(InputError, match="groups=3 must divide"):
        BinaryConv2d(4, 6, 3, groups=3)
    with pytest.raises(InputError, match="stride"):
        BinaryConv2d(4, 6, 3, stride=0)
    with pytest.raises(InputError, match="padding"):
        BinaryConv2d(4, 6, 3, padding=(1, -1))
    with pytest.raises(InputError, match=">= 1"):
        BinaryConv2d(0, 6, 3)
    with pytest.raises(InputError, match=">= 1"):
        BinaryLinear(4, 0)


def test_docstring_examples():
    names = {"MeanAbsScale": MeanAbsScale}
    assert doctest.testmod(layers, extraglobs=names).failed == 0
