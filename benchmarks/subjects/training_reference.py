"""Networks to measure training by: signbit's, and the same in plain PyTorch, eager, float32.

The plain ones are written as the papers' own code writes them, in NCHW: ResNet-20 by every method,
VGG-Small and a CIFAR ResNet-18 by SD-BNN, and a depthwise network by BNN. What signbit's layers are
measured against: benchmarks/training.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from signbit import methods, models
from signbit.nn.blocks import Stem, normalised_conv
from signbit.nn.layers import BinaryConv2d
from subjects.training_methods import METHODS, PlainMethod

__all__ = ["SUBJECTS"]


class _Unit(nn.Module):
    def __init__(
        self, method: PlainMethod, before: int, after: int, stride: int, shortcut: nn.Module
    ) -> None:
        super().__init__()
        self.conv = method.conv(before, after, stride)
        self.norm = nn.BatchNorm2d(before if method.norm_first else after)
        self.norm_first = method.norm_first
        self.shortcut, self.nonlinearity = shortcut, method.nonlinearity(after)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(self.norm(x)) if self.norm_first else self.norm(self.conv(x))
        result: Tensor = self.nonlinearity(y + self.shortcut(x))
        return result


class _Subsample(nn.Module):
    def __init__(self, added: int) -> None:
        super().__init__()
        self.added = added

    def forward(self, x: Tensor) -> Tensor:
        half = self.added // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, self.added - half))


def _projection(before: int, after: int) -> nn.Module:
    conv = nn.Conv2d(before, after, 1, stride=2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after))


def _stem(width: int, nonlinearity: nn.Module) -> nn.Module:
    conv = nn.Conv2d(3, width, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nonlinearity)


class _Residual(nn.Module):
    def __init__(
        self,
        method: PlainMethod,
        widths: tuple[int, ...],
        units: int,
        halving: Callable[[int, int], nn.Module],
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [_stem(widths[0], method.nonlinearity(widths[0]))]
        before = widths[0]
        for width in widths:
            for unit in range(units):
                halves = unit == 0 and width != before
                shortcut = halving(before, width) if halves else nn.Identity()
                layers.append(_Unit(method, before, width, 2 if halves else 1, shortcut))
                before = width
        self.features = nn.Sequential(*layers)
        self.norm = nn.BatchNorm1d(before)
        self.classifier = nn.Linear(before, 10)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(self.features(x), 1).flatten(1)
        logits: Tensor = self.classifier(self.norm(pooled))
        return logits


class _VGGSmall(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_stem(128, nn.Hardtanh())]
        for before, after, pool in (
            *((128, 128, True), (128, 256, False), (256, 256, True)),
            *((256, 512, False), (512, 512, True)),
        ):
            layers.append(METHODS["sdbnn"].conv(before, after))
            if pool:
                layers.append(nn.MaxPool2d(2))
            layers += [nn.BatchNorm2d(after), nn.Hardtanh()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(512 * 4 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x).flatten(1))
        return logits


class _Depthwise(nn.Module):
    """Depthwise and pointwise layers in turns, as MobileNet has them, with shortcuts."""

    def __init__(self, conv: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.stem = Stem(
            nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.Hardtanh()
        )
        self.convs = nn.ModuleList()
        for kernel, groups in ((3, 64), (1, 1)) * 6:
            self.convs.append(conv(64, 64, 1, kernel=kernel, groups=groups))
        self.norms = nn.ModuleList(nn.BatchNorm2d(64) for _ in self.convs)
        self.nonlinearity = nn.Hardtanh()
        self.classifier = nn.Linear(64, 10)

    def add(self, conv: nn.Module, norm: nn.Module, x: Tensor) -> Tensor:
        result: Tensor = self.nonlinearity(norm(conv(x)) + x)
        return result

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            if number == 4:
                x = F.avg_pool2d(x, 2)
            x = self.add(conv, norm, x)
        logits: Tensor = self.classifier(x.mean((2, 3)))
        return logits


class _NativeDepthwise(_Depthwise):
    """The same of signbit's layers."""

    def __init__(self) -> None:
        super().__init__(_binary_conv)

    def add(self, conv: nn.Module, norm: nn.Module, x: Tensor) -> Tensor:
        return normalised_conv(conv, norm, self.nonlinearity, x, x)


def _binary_conv(before: int, after: int, stride: int, kernel: int, groups: int) -> BinaryConv2d:
    return BinaryConv2d(before, after, kernel, stride, kernel // 2, groups=groups)


class Subject(NamedTuple):
    """A network in plain PyTorch, and the same of signbit's layers."""

    plain: Callable[[], nn.Module]
    own: Callable[[], nn.Module]


def _own(network: str, method: str, **parameters: object) -> nn.Module:
    return models.build(network, methods.get(method, **parameters), classes=10, channels=3)


def _resnet20(method: str) -> Subject:
    plain = partial(_Residual, METHODS[method], (16, 32, 64), 6, lambda a, b: _Subsample(b - a))
    if method == "prelu":  # ReActNet's ancestor: Bi-Real Net with a PReLU
        parts = {"activations": "sign", "nonlinearity": "prelu", "stem_nonlinearity": True}
        return Subject(plain, partial(_own, "resnet20", "combined", **parts))
    return Subject(plain, partial(_own, "resnet20", method))


SUBJECTS = {
    "resnet20": _resnet20("sdbnn"),
    **{f"resnet20-{name}": _resnet20(name) for name in METHODS if name != "sdbnn"},
    "vgg-small": Subject(_VGGSmall, partial(_own, "vgg-small", "sdbnn")),
    "resnet18-cifar": Subject(
        partial(_Residual, METHODS["sdbnn"], (64, 128, 256, 512), 4, _projection),
        partial(_own, "resnet18-cifar", "sdbnn"),
    ),
    "depthwise": Subject(partial(_Depthwise, METHODS["bnn"].conv), _NativeDepthwise),
}
"""Name of the network -> both; those of one name alone are by SD-BNN."""
