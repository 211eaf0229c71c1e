"""normalised_conv: the native op against the modules one by one, in float64."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from signbit import methods
from signbit.fast import binary_unit, use_native_ops
from signbit.nn.binarizers import (
    ASD,
    WSD,
    AdaptiveActivation,
    AdaptiveWeight,
    BinaryWeight,
    MeanAbsMap,
    MeanAbsScale,
    PlainSignActivation,
    RSign,
    XnorScale,
)
from signbit.nn.binarizers.activations import ActivationBinarizer
from signbit.nn.binarizers.weights import WeightBinarizer
from signbit.nn.blocks import ConvBlock, normalised_conv
from signbit.nn.estimators import EDE, Polynomial
from signbit.nn.layers import BinaryConv2d
from signbit.nn.nonlinearities import Maxout, RPReLU
from signbit.training.reports.memory import kept_for_backward


class Unit(nn.Module):
    """A residual unit; `shortcut` is "input", "other" or "none"."""

    def __init__(
        self,
        conv: BinaryConv2d,
        nonlinearity: nn.Module,
        shortcut: str,
        pool: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.conv, self.nonlinearity, self.shortcut = conv, nonlinearity, shortcut
        self.pool = pool
        self.norm = nn.BatchNorm2d(conv.out_channels, momentum=0.3)
        nn.init.uniform_(self.norm.weight, -1.5, 1.5)
        nn.init.normal_(self.norm.bias)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        added = {"input": x, "other": other, "none": None}[self.shortcut]
        return normalised_conv(self.conv, self.norm, self.nonlinearity, x, added, pool=self.pool)


def conv(channels: int, out: int, stride: int = 1, **binarizers: Any) -> BinaryConv2d:
    return BinaryConv2d(channels, out, 3, stride, padding=1, **binarizers)


def sdbnn(channels: int, out: int, stride: int = 1) -> BinaryConv2d:
    return conv(
        *(channels, out, stride),
        weight_binarizer=WSD(out, EDE(0.8, 0.8)),
        activation_binarizer=ASD(channels, 4, EDE(0.8, 0.8)),
    )


def bireal(channels: int, out: int, stride: int = 1) -> BinaryConv2d:
    return conv(
        *(channels, out, stride),
        weight_binarizer=MeanAbsScale(),
        activation_binarizer=PlainSignActivation(Polynomial()),
    )


class AnySign(WeightBinarizer):
    """Signs, and scales of which every second is negative."""

    def forward(self, weight: Tensor) -> BinaryWeight:
        scale = torch.where(torch.arange(len(weight)) % 2 == 0, 0.7, -0.6).to(weight.dtype)
        return BinaryWeight(self.estimator(weight), scale)


def negative(channels: int, out: int) -> BinaryConv2d:
    return conv(channels, out, weight_binarizer=AnySign())


def adabin(channels: int, out: int, stride: int = 1, **geometry: int) -> BinaryConv2d:
    layer = BinaryConv2d(
        *(channels, out, 3, stride),
        weight_binarizer=AdaptiveWeight(EDE(0.8, 0.8)),
        activation_binarizer=AdaptiveActivation(Polynomial()),
        **{"padding": 1, **geometry},
    )
    nn.init.constant_(layer.activation_binarizer.alpha, 0.7)
    nn.init.constant_(layer.activation_binarizer.beta, -0.2)
    return layer


def depthwise(channels: int, activation: ActivationBinarizer) -> BinaryConv2d:
    for parameter in activation.parameters():
        nn.init.constant_(parameter, 0.3)
    return BinaryConv2d(
        *(channels, channels, 3, 1, 1),
        groups=channels,
        weight_binarizer=MeanAbsScale(),
        activation_binarizer=activation,
    )


def xnor(channels: int, out: int, stride: int = 1) -> BinaryConv2d:
    return conv(
        *(channels, out, stride),
        weight_binarizer=XnorScale(),
        activation_binarizer=MeanAbsMap(),
    )


UNITS = {
    "adabin": lambda: (Unit(adabin(16, 16), Maxout(16), "input"), 1),
    "adabin, any width": lambda: (Unit(adabin(3, 65), Maxout(65), "other"), 1),
    "adabin-strided": lambda: (Unit(adabin(20, 33, 2), nn.Hardtanh(), "other"), 2),
    "adabin, dilated": lambda: (Unit(adabin(8, 8, padding=2, dilation=2), Maxout(8), "input"), 1),
    "adabin, pooled": lambda: (
        Unit(adabin(16, 16), nn.Hardtanh(), "none", nn.MaxPool2d(2)),
        2,
    ),
    "depthwise": lambda: (Unit(depthwise(20, RSign(20)), nn.PReLU(20), "input"), 1),
    "depthwise adabin": lambda: (
        Unit(depthwise(33, AdaptiveActivation(EDE(0.8, 0.8))), nn.PReLU(), "other"),
        1,
    ),
    "xnor": lambda: (Unit(xnor(16, 16), nn.Identity(), "input"), 1),
    "xnor-strided": lambda: (Unit(xnor(12, 65, 2), nn.Identity(), "other"), 2),
    "sdbnn": lambda: (Unit(sdbnn(16, 16), nn.Hardtanh(), "input"), 1),
    "sdbnn-strided": lambda: (Unit(sdbnn(20, 48, 2), nn.Hardtanh(), "other"), 2),
    "bireal": lambda: (Unit(bireal(32, 32), nn.Identity(), "input"), 1),
    "bireal-strided": lambda: (Unit(bireal(16, 64, 2), nn.Identity(), "other"), 2),
    "reactnet": lambda: (Unit(bireal(32, 32), RPReLU(32), "input"), 1),
    "reactnet-strided": lambda: (Unit(bireal(16, 64, 2), RPReLU(64), "other"), 2),
    "bare": lambda: (Unit(conv(16, 32), nn.Hardtanh(), "none"), 1),
    "pooled": lambda: (Unit(sdbnn(16, 48), nn.Hardtanh(), "none", nn.MaxPool2d(2)), 2),
    "pooled, more": lambda: (Unit(bireal(24, 32), nn.Identity(), "other", nn.MaxPool2d(3)), 3),
    "pooled, any scale": lambda: (
        Unit(negative(16, 16), nn.Hardtanh(), "none", nn.MaxPool2d(2)),
        2,
    ),
}


def grow(unit: Unit, x: Tensor, other: Tensor, gradient: Tensor, native: bool) -> list[Tensor]:
    """Output, gradients and running statistics of a training step."""
    x, other = x.clone().requires_grad_(), other.clone().requires_grad_()
    with use_native_ops(native):
        y = unit(x, other)
        y.backward(gradient)
    grads = [t.grad for t in (x, other, *unit.parameters()) if t.grad is not None]
    return [y.detach(), *grads, *(b.detach().double() for b in unit.buffers())]


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_native_step_agrees_with_float64(name: str, channels_last: bool) -> None:
    torch.manual_seed(4)
    unit, stride = UNITS[name]()
    channels, out = unit.conv.in_channels, unit.conv.out_channels
    x = torch.randn(6, channels, 10, 8)
    other = torch.randn(6, out, 10 // stride, 8 // stride)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    gradient = torch.randn_like(other)
    double = copy.deepcopy(unit).double()
    native = grow(unit, x, other, gradient, True)
    wanted = grow(double, x.double(), other.double(), gradient.double(), False)
    assert len(native) == len(wanted)
    for mine, theirs in zip(native, wanted, strict=True):
        scale = float(theirs.abs().max()) + 1e-12
        torch.testing.assert_close(mine.double(), theirs.double(), rtol=0, atol=1e-5 * scale)


def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the native op's calls."""
    seen: list[int] = []
    op = binary_unit.binary_unit

    def counted(*args: Any) -> Any:
        seen.append(1)
        return op(*args)

    monkeypatch.setattr("signbit.nn.blocks.binary_unit", counted)
    return seen


def test_only_training_on_a_cpu_in_float32_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = calls(monkeypatch)
    unit, _ = UNITS["sdbnn"]()
    x = torch.randn(2, 16, 6, 6)
    unit(x, x)
    assert len(seen) == 1
    with torch.no_grad():  # as a momentum encoder is run
        unit(x, x)
    assert len(seen) == 2
    with use_native_ops(False):
        unit(x, x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        unit(x, x)
    copy.deepcopy(unit).double()(x.double(), x.double())
    unit.eval()(x, x)
    assert len(seen) == 2


@pytest.mark.parametrize("name", ["sdbnn", "bireal", "reactnet"])
def test_without_gradients_the_native_step_is_the_same(name: str) -> None:
    torch.manual_seed(6)
    unit, _ = UNITS[name]()
    x = torch.randn(4, unit.conv.in_channels, 6, 6)
    other = copy.deepcopy(unit)
    y = unit(x, x)
    with torch.no_grad():
        assert torch.equal(other(x, x), y)
    for mine, theirs in zip(other.buffers(), unit.buffers(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("name", methods.names())
@pytest.mark.parametrize("channels", [3, 16, 40])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_evaluation_has_the_same_bits_and_memory_with_and_without(
    name: str, channels: int, layout: torch.memory_format
) -> None:
    torch.manual_seed(7)
    method = methods.get(name)
    layer = method.conv2d(channels, 24, 3, padding=1)
    unit = Unit(layer, method.nonlinearity(24), "none").eval()
    nn.init.normal_(layer.weight)
    for parameter in unit.nonlinearity.parameters():
        nn.init.normal_(parameter)
    x = torch.randn(3, channels, 7, 5)
    x[0, 0, 0, :2] = torch.tensor([0.0, -0.0])
    x = x.contiguous(memory_format=layout)
    with torch.no_grad():
        native = unit(x, x)
        with use_native_ops(False):
            plain = unit(x, x)
    assert torch.equal(native, plain)
    assert native.stride() == plain.stride()


def test_what_the_ops_do_not_do_is_left_to_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = calls(monkeypatch)
    x = torch.randn(2, 16, 8, 8)
    pools = [
        nn.MaxPool2d(3, stride=2),
        nn.MaxPool2d(2, padding=1),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AvgPool2d(2),
        nn.MaxPool2d((2, 1)),
    ]
    for pool in pools:
        unit = Unit(conv(16, 16), nn.Identity(), "none", pool)
        assert unit(x, x).shape[2:] == pool(x).shape[2:]
    learned = Unit(conv(16, 16), nn.Identity(), "none")
    learned.conv.weight_binarizer = LearnedScale(16)
    learned(x, x).sum().backward()
    assert learned.conv.weight_binarizer.scale.grad is not None
    assert not seen
    Unit(conv(16, 16), nn.Identity(), "none", nn.MaxPool2d(2))(x, x)
    assert len(seen) == 1


class LearnedScale(WeightBinarizer):
    def __init__(self, out: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(out))

    def forward(self, weight: Tensor) -> BinaryWeight:
        return BinaryWeight(self.estimator(weight), self.scale)


@pytest.mark.parametrize("clip", [False, True])
def test_a_real_block_gives_the_same_bits_and_keeps_less(clip: bool) -> None:
    torch.manual_seed(2)
    block = ConvBlock(
        nn.Conv2d(3, 20, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(20, momentum=0.3),
        nn.Hardtanh() if clip else nn.Identity(),
    )
    x = torch.randn(4, 3, 9, 11)
    gradient = torch.randn(4, 20, 5, 6)
    results, kept = [], []
    for native in (False, True):
        copied = copy.deepcopy(block)
        images = x.clone().requires_grad_()
        with use_native_ops(native):
            kept.append(sum(part.bytes for part in kept_for_backward(copied, images)))
            y = copied(images)
            y.backward(gradient)
        gradients = [images.grad, *(p.grad for p in copied.parameters())]
        results.append([y.detach(), *gradients, *copied.buffers()])
    for mine, theirs in zip(*results, strict=True):
        assert torch.equal(mine, theirs)
    size = gradient.numel() * 4
    assert kept[0] >= size * (2 if clip else 1)
    assert kept[1] < size * (1.1 if clip else 0.1)


def test_a_hook_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = calls(monkeypatch)
    unit, _ = UNITS["bireal"]()
    shapes: list[torch.Size] = []
    unit.norm.register_forward_hook(lambda module, args, output: shapes.append(output.shape))
    x = torch.randn(2, 32, 6, 6)
    unit(x, x)
    assert shapes == [(2, 32, 6, 6)]
    assert not seen


def test_a_nonlinearity_that_follows_keeps_its_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = calls(monkeypatch)
    unit = Unit(bireal(16, 16), RPReLU(16), "input")
    called: list[str] = []
    unit.nonlinearity.register_forward_hook(lambda *_: called.append("RPReLU"))
    unit.nonlinearity.prelu.register_forward_hook(lambda *_: called.append("PReLU"))
    x = torch.randn(2, 16, 6, 6)
    unit(x, x)
    assert called == ["PReLU", "RPReLU"]
    assert len(seen) == 1


def test_every_method_trains_alike_with_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in methods.names():
        torch.manual_seed(1)
        method = methods.get(name)
        layer = method.conv2d(16, 32, 3, padding=1)
        unit = Unit(layer, method.nonlinearity(32), "none")
        nn.init.normal_(layer.weight)
        double = copy.deepcopy(unit).double()
        x, gradient = torch.randn(4, 16, 6, 6), torch.randn(4, 32, 6, 6)
        native = grow(unit, x, x, gradient, True)
        wanted = grow(double, x.double(), x.double(), gradient.double(), False)
        for mine, theirs in zip(native, wanted, strict=True):
            scale = float(theirs.abs().max()) + 1e-12
            torch.testing.assert_close(mine.double(), theirs.double(), rtol=0, atol=1e-5 * scale)
