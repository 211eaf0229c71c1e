"""Binary layers: what they make of their binarizers' results, their arguments and errors."""

import doctest

import numpy as np
import pytest
import torch
from tests.convolution import GEOMETRIES, conv_oracle
from torch import nn

from signbit.errors import InputError
from signbit.fast import use_native_ops
from signbit.nn import layers
from signbit.nn.binarizers import (
    AdaptiveActivation,
    AdaptiveWeight,
    MeanAbsMap,
    MeanAbsScale,
    RealActivation,
    RealWeight,
    RSign,
)
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.nn.paths import why


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


@pytest.mark.parametrize("binarizer", [AdaptiveWeight, MeanAbsScale, RealWeight])
@pytest.mark.parametrize("linear", [False, True])
def test_a_scale_of_the_input_multiplies_scale_and_offset_of_the_weight(binarizer, linear):
    activation = AdaptiveActivation()
    activation.alpha.data.fill_(-1.75)
    activation.beta.data.fill_(0.25)
    parts = {"weight_binarizer": binarizer(), "activation_binarizer": activation}
    layer = BinaryLinear(6, 4, **parts) if linear else BinaryConv2d(6, 4, 3, padding=1, **parts)
    layer.double()
    x = torch.randn((2, 6) if linear else (2, 6, 5, 5), dtype=torch.float64)
    weight = layer.weight_binarizer(layer.weight)
    shape = [-1] + [1] * (layer.weight.dim() - 1)
    w = weight.signs * (1 if weight.scale is None else weight.scale.reshape(shape))
    if weight.offset is not None:
        w = w + weight.offset.reshape(shape)
    a = -1.75 * (torch.where((x - 0.25) / -1.75 < 0, -1.0, 1.0).double() + 0.25)
    function = nn.functional.linear if linear else nn.functional.conv2d
    wanted = function(a, w) if linear else function(a, w, padding=1)
    torch.testing.assert_close(layer(x), wanted)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_magnitudes_are_averaged_over_each_window(name):
    kernel, *geometry = GEOMETRIES[name]
    stride, padding, dilation, groups = geometry
    out = 4 if groups == 4 else 6
    layer = BinaryConv2d(
        *(4, out, kernel, stride, padding, dilation, groups), activation_binarizer=MeanAbsMap()
    ).double()
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2, 4, 6, 5))
    signs, w = np.where(x < 0, -1.0, 1.0), layer.weight.detach().numpy()
    dots, *_ = conv_oracle(signs, np.where(w < 0, -1.0, 1.0), np.zeros, kernel, *geometry)
    box = np.full((1, 1, *kernel), 1 / (kernel[0] * kernel[1]))
    magnitudes = np.abs(x).mean(1, keepdims=True)
    means, *_ = conv_oracle(magnitudes, box, np.zeros, kernel, stride, padding, dilation, 1)
    y = layer(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(y, dots * means, rtol=1e-12, atol=1e-13)


def test_magnitudes_of_a_vector_are_its_mean():
    layer = BinaryLinear(4, 2, activation_binarizer=MeanAbsMap())
    x = torch.tensor([[1.0, -2.0, 0.0, 5.0]])
    signs = torch.where(layer.weight < 0, -1.0, 1.0) @ torch.tensor([1.0, -1.0, 1.0, 1.0])
    assert torch.equal(layer(x)[0], 2 * signs)


@pytest.mark.parametrize(
    ("parts", "native"),
    [
        ({}, True),
        ({"activation_binarizer": RSign(16)}, True),
        ({"activation_binarizer": RealActivation()}, False),
        ({"activation_binarizer": AdaptiveActivation()}, True),
        ({"activation_binarizer": MeanAbsMap()}, True),
        ({"weight_binarizer": RealWeight()}, False),
        ({"weight_binarizer": AdaptiveWeight()}, True),
    ],
)
def test_native_operations_take_signs_only(parts, native):
    layer = BinaryConv2d(16, 16, 3, padding=1, **parts)
    x = torch.randn(2, 16, 5, 5)
    assert (why(layer, x)[0].path == "native") == native
    y = layer(x)
    with use_native_ops(False):
        torch.testing.assert_close(layer(x), y, rtol=1e-6, atol=1e-6)


def test_rsign_s_gradient_is_the_same_in_native_operations():
    layer = BinaryConv2d(16, 16, 3, padding=1, activation_binarizer=RSign(16))
    layer.activation_binarizer.bias.data.normal_()
    x, incoming = torch.randn(3, 16, 5, 5), torch.randn(3, 16, 5, 5)
    gradients = []
    for native in (True, False):
        layer.zero_grad()
        with use_native_ops(native):
            layer(x).backward(incoming)
        gradients.append(layer.activation_binarizer.bias.grad.clone())
    assert gradients[0].abs().min() > 0
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-5)


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


@pytest.mark.parametrize("training", [True, False])
def test_hooks_of_an_activation_binarizer_are_called(training):
    layer = BinaryConv2d(16, 16, 3).train(training)
    called = []
    layer.activation_binarizer.register_forward_hook(lambda *_: called.append(True))
    x = torch.randn(2, 16, 5, 5).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        layer(x)
    assert called == [True]
