"""Training networks written as the papers' own code writes them: plain PyTorch, eager, float32.

SD-BNN (ASD, WSD, EDE, hardtanh) in ResNet-20, VGG-Small and a CIFAR ResNet-18. Every operation is
its own, every input that a derivative needs is kept as it is, memory is NCHW. What signbit's layers
are measured against: benchmarks/training.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["REFERENCES"]


class _BinaryQuantize(torch.autograd.Function):
    """sign with EDE's derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, k: Tensor, t: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(x, k, t)
        return torch.where(x < 0, -1.0, 1.0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        x, k, t = ctx.saved_tensors
        return k * t * (1 - torch.pow(torch.tanh(x * t), 2)) * grad, None, None


class _Conv(nn.Module):
    """Activation and weight self-distribution, then a float convolution of ±1 with ±1."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.empty(after, before, 3, 3))
        nn.init.kaiming_normal_(self.weight)
        self.a = nn.Parameter(torch.zeros(after, 1, 1, 1))
        hidden = max(1, before // 16)
        self.squeeze = nn.Linear(before, hidden, bias=False)
        self.excite = nn.Linear(hidden, before, bias=False)
        self.register_buffer("k", torch.tensor(1000.0), persistent=False)
        self.register_buffer("t", torch.tensor(0.001), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        mean = F.adaptive_avg_pool2d(x, 1).flatten(1)
        shift = torch.sigmoid(self.excite(F.relu(self.squeeze(mean))))
        signs = _BinaryQuantize.apply(x + shift[:, :, None, None], self.k, self.t)
        offset = 0.01 * torch.sigmoid(self.a) * self.weight.detach().mean((1, 2, 3), keepdim=True)
        weight = _BinaryQuantize.apply(self.weight + offset, self.k, self.t)
        return F.conv2d(signs, weight, None, self.stride, 1)


class _Unit(nn.Module):
    def __init__(self, before: int, after: int, stride: int, shortcut: nn.Module) -> None:
        super().__init__()
        self.conv = _Conv(before, after, stride)
        self.norm = nn.BatchNorm2d(after)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        return F.hardtanh(self.norm(self.conv(x)) + self.shortcut(x))


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


def _stem(width: int) -> nn.Module:
    conv = nn.Conv2d(3, width, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.Hardtanh())


class _Residual(nn.Module):
    def __init__(
        self, widths: tuple[int, ...], units: int, halving: Callable[[int, int], nn.Module]
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [_stem(widths[0])]
        before = widths[0]
        for width in widths:
            for unit in range(units):
                halves = unit == 0 and width != before
                shortcut = halving(before, width) if halves else nn.Identity()
                layers.append(_Unit(before, width, 2 if halves else 1, shortcut))
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
        layers: list[nn.Module] = [_stem(128)]
        for before, after, pool in (
            *((128, 128, True), (128, 256, False), (256, 256, True)),
            *((256, 512, False), (512, 512, True)),
        ):
            layers.append(_Conv(before, after))
            if pool:
                layers.append(nn.MaxPool2d(2))
            layers += [nn.BatchNorm2d(after), nn.Hardtanh()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(512 * 4 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x).flatten(1))
        return logits


REFERENCES: dict[str, Callable[[], nn.Module]] = {
    "resnet20": lambda: _Residual((16, 32, 64), 6, lambda a, b: _Subsample(b - a)),
    "vgg-small": _VGGSmall,
    "resnet18-cifar": lambda: _Residual((64, 128, 256, 512), 4, _projection),
}
"""Name of the network in signbit.models -> the same network in plain PyTorch."""
