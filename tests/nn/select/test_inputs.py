"""Inputs that native ops do not know are left to PyTorch, and gradients at NaN are PyTorch's."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.nn.select.common import assert_as_reference, block, conv, images, reasons
from torch import Tensor, nn

from signbit.fast import use_native_ops
from signbit.nn.binarizers import PlainSignActivation
from signbit.nn.blocks import normalised_conv
from signbit.nn.estimators import EDE, Clip, Estimator, Identity, Polynomial
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.nn.nonlinearities import Maxout, RPReLU


def test_a_single_value_a_channel_is_refused_as_pytorch_does() -> None:
    modules = [block(), block(nn.Conv2d(16, 16, 3, padding=1, bias=False)), block(pool=True)]
    for module, size in zip(modules, (1, 1, 2), strict=True):
        x = torch.randn(1, 16, size, size)
        before = [buffer.clone() for buffer in module.buffers()]
        for native in (True, False):
            with use_native_ops(native), pytest.raises(ValueError, match="more than 1 value"):
                copy.deepcopy(module)(x)
        module(torch.randn(2, 16, size, size))
        assert len(before) > 0


NAN_LAYERS = {
    "convolution": lambda e: conv(activation_binarizer=PlainSignActivation(e)),
    "unit": lambda e: block(conv(activation_binarizer=PlainSignActivation(e))),
    "groups": lambda e: BinaryConv2d(
        16, 16, 3, groups=4, activation_binarizer=PlainSignActivation(e)
    ),
    "rprelu": lambda e: RPReLU(16),
    "maxout": lambda e: Maxout(16),
}


@pytest.mark.parametrize("layer", NAN_LAYERS)
@pytest.mark.parametrize("estimator", [Identity(), Clip(), Polynomial(), EDE(0.9, 0.9)])
def test_gradients_at_nan_and_infinity_are_pytorch_s(layer: str, estimator: Estimator) -> None:
    x = torch.randn(3, 16, 6, 6)
    x[0, 0, 0, :3] = torch.tensor([torch.nan, torch.inf, -torch.inf])
    x[1, 5, 2, :4] = torch.tensor([1.0, -1.0, 1 + 2**-23, -torch.nan])
    assert_as_reference(NAN_LAYERS[layer](estimator), x, rtol=1e-4)


def test_a_nan_in_a_linear_layer_has_pytorch_s_gradient() -> None:
    x = torch.randn(4, 16)
    x[0, 0] = torch.nan
    assert_as_reference(BinaryLinear(16, 8), x)


def test_maxout_s_gradient_at_nan_is_that_of_its_formula() -> None:
    bent = Maxout(2)
    x = torch.tensor([[torch.nan, -1.0], [0.0, -0.0], [-1e-45, 1e-45]], requires_grad=True)
    bent(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1.0, 0.25], [1.0, 1.0], [0.25, 1.0]]


def test_a_shortcut_of_another_shape_is_pytorch_s_business() -> None:
    layer, norm = conv(), nn.BatchNorm2d(16)
    x = torch.randn(3, 16, 4, 6)
    one_a_channel = torch.randn(16, 1, 1)
    y = normalised_conv(layer, norm, nn.Identity(), x, one_a_channel)
    with use_native_ops(False):
        other = normalised_conv(layer, nn.BatchNorm2d(16), nn.Identity(), x, one_a_channel)
    torch.testing.assert_close(y, other)
    with pytest.raises(RuntimeError, match="must match"):
        normalised_conv(layer, norm, nn.Identity(), x, torch.randn(3, 16, 6, 4))


@pytest.mark.parametrize("batch", [torch.zeros(0, 16, 4, 4), torch.zeros(16, 4, 4)])
def test_odd_batches_are_pytorch_s_business(batch: Tensor) -> None:
    results = []
    for native in (True, False):
        with use_native_ops(native):
            try:
                results.append(block(nn.Conv2d(16, 16, 3, bias=False))(batch).shape)
            except (RuntimeError, ValueError) as error:
                results.append(str(error))
    assert results[0] == results[1]


def test_transformations_are_pytorch_s_business() -> None:
    module, x = block(), images()
    with torch.autograd.forward_ad.dual_level():
        assert reasons(module, x)[0] == "forward-mode derivatives are being computed"
    with torch.device("cpu"):
        assert reasons(module, x)[0] == "a torch mode watches or changes operations"
    maxout = Maxout(16).requires_grad_(False)
    together = torch.func.vmap(maxout)(torch.stack([x, x]))
    assert torch.equal(together[0], maxout(x))


@pytest.mark.slow
@pytest.mark.parametrize("native", [True, False])
def test_a_depthwise_network_learns_digits(native: bool) -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = torch.from_numpy(digits.images).float().div(8).sub(1).unsqueeze(1)
    labels = torch.from_numpy(digits.target)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        BinaryConv2d(32, 32, 3, padding=1, groups=32),
        nn.BatchNorm2d(32),
        BinaryConv2d(32, 32, 3, stride=2, padding=1, groups=4),
        nn.BatchNorm2d(32),
        BinaryConv2d(32, 64, 3, stride=2, groups=1),
        nn.BatchNorm2d(64),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    with use_native_ops(native):
        for _ in range(6):
            for batch in torch.randperm(1500).split(100):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x[batch]), labels[batch]).backward()
                optimizer.step()
        model.eval()
        right = model(x[1500:]).argmax(1) == labels[1500:]
    assert float(right.float().mean()) > 0.7
