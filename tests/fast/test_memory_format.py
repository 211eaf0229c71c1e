"""Results lie in the memory that nn.Conv2d would give them, gradients in that of their tensor."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.memory import MEMORY
from torch import Tensor, nn
from torch.nn.functional import conv2d

from signbit import methods, models
from signbit.fast.memory_format import arranged, conv_is_channels_last
from signbit.nn.blocks import ConvBlock
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.nn.nonlinearities import Maxout, RPReLU


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    memory=st.sampled_from(sorted(MEMORY)),
    shape=st.tuples(st.integers(1, 3), st.integers(2, 17), st.integers(1, 5), st.integers(1, 5)),
    out=st.integers(1, 17),
    kernel=st.sampled_from([1, 3]),
    weight_channels_last=st.booleans(),
)
def test_the_strides_are_those_of_nn_conv2d(
    memory: str, shape: tuple[int, ...], out: int, kernel: int, weight_channels_last: bool
) -> None:
    x = MEMORY[memory](*shape)
    weight = torch.randn(out, shape[1], kernel, kernel)
    if weight_channels_last:
        weight = weight.to(memory_format=torch.channels_last)
    y = conv2d(x, weight, padding=kernel // 2)
    pixels = y.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)
    mine = arranged(pixels, conv_is_channels_last(x, weight))
    assert torch.equal(mine, y)
    assert mine.stride() == y.stride()


def unit(channels: int, out: int) -> ConvBlock:
    conv = BinaryConv2d(channels, out, 3, padding=1)
    return ConvBlock(conv, nn.BatchNorm2d(out), nn.Hardtanh())


def real_unit(channels: int, out: int) -> ConvBlock:
    conv = nn.Conv2d(channels, out, 3, padding=1, bias=False)
    return ConvBlock(conv, nn.BatchNorm2d(out), nn.Hardtanh())


LAYERS = {
    "convolution": lambda: BinaryConv2d(16, 16, 3, padding=1),
    "groups": lambda: BinaryConv2d(16, 16, 3, padding=1, groups=4),
    "depthwise": lambda: BinaryConv2d(16, 16, 3, padding=1, groups=16),
    "unit": lambda: unit(16, 16),
    "unit with a pool": lambda: ConvBlock(
        BinaryConv2d(16, 16, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.Identity()
    ),
    "real unit": lambda: real_unit(16, 16),
    "rprelu": lambda: RPReLU(16),
    "maxout": lambda: Maxout(16),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("training", [True, False])
def test_a_view_follows_every_layer(name: str, training: bool) -> None:
    """The commonest line of PyTorch networks: x.view(x.size(0), -1)."""
    layer = LAYERS[name]().train(training)
    x = torch.randn(4, 16, 6, 6).requires_grad_()
    y = layer(x)
    y.view(len(y), -1).square().sum().backward()
    assert x.grad is not None
    assert x.grad.is_contiguous()
    assert layer(x.to(memory_format=torch.channels_last)).is_contiguous(
        memory_format=torch.channels_last
    )


class _ViewsItsGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        return grad.view(len(grad), -1).view_as(grad)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_lie_as_those_of_nn_conv2d(name: str) -> None:
    x = torch.randn(4, 16, 6, 6).requires_grad_()
    LAYERS[name]().train()(_ViewsItsGradient.apply(x)).sum().backward()


def test_linear_layers_are_contiguous() -> None:
    for x in (torch.randn(4, 16), torch.randn(16, 4).t(), torch.randn(4, 32)[:, ::2]):
        y = BinaryLinear(16, 8)(x)
        assert y.stride() == nn.Linear(16, 8)(x).stride()


@pytest.mark.parametrize("network", ["digits", "resnet20"])
def test_built_in_networks_train_in_channels_last_memory_whatever_they_are_given(
    network: str,
) -> None:
    channels, size = (1, 8) if network == "digits" else (3, 32)
    model = models.build(network, methods.get("bnn"), classes=10, channels=channels).train()
    seen: list[Tensor] = []
    model.classifier.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model.stem.register_forward_hook(lambda _, args, y: seen.append(y))
    model(torch.randn(2, channels, size, size))
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def test_another_default_type_or_device_changes_nothing() -> None:
    layers = [layer() for layer in LAYERS.values()]
    x = torch.randn(4, 16, 6, 6)
    torch.set_default_dtype(torch.float64)
    try:
        for layer in layers:
            y = layer(x.clone().requires_grad_())
            y.sum().backward()
            assert y.dtype == torch.float32
        with torch.device("meta"):
            for layer in layers:
                layer(x.clone().requires_grad_()).sum().backward()
    finally:
        torch.set_default_dtype(torch.float32)
