"""Real-valued networks as people write them, to be made binary."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["NETWORKS"]


class Plain(nn.Module):
    """Functions throughout, no normalisation, dropout by the mode."""

    input_size = (10, 9)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.Conv2d(8, 12, 3)
        self.fc1 = nn.Linear(12 * 3 * 2, 20)
        self.fc2 = nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.dropout(x, 0.25, training=self.training).view(x.size(0), -1)
        x = F.dropout(self.fc1(x).relu(), training=self.training)
        y: Tensor = self.fc2(x)
        return y


class Block(nn.Module):
    """torchvision's: one ReLU, in place, used twice, and a projection where shapes change."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        around = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += around
        result: Tensor = self.relu(y)
        return result


def residual() -> nn.Module:
    stem = (nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3))
    return nn.Sequential(*stem, Block(8, 8, 1), Block(8, 16, 2), *head)


class Gate(nn.Module):
    """Squeeze and excite."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(16, 4, 1)
        self.up = nn.Conv2d(4, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3), keepdim=True)))))


def separable() -> nn.Module:
    def unit(before: int, after: int, side: int, groups: int) -> list[nn.Module]:
        conv = nn.Conv2d(before, after, side, padding=side // 2, groups=groups, bias=False)
        return [conv, nn.BatchNorm2d(after), nn.ReLU6()]

    return nn.Sequential(
        *unit(3, 16, 3, 1), *unit(16, 16, 3, 16), *unit(16, 16, 1, 1), Gate(),
        *unit(16, 16, 3, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(16, 4),
    )  # fmt: skip


class Usual(nn.Conv2d):
    """A subclass that computes as its parent does."""


class Unusual(nn.Conv2d):
    """A subclass that does not."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(2 * x)


class Odd(nn.Module):
    """Lists and dictionaries of modules, subclasses, paddings, one layer used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.list = nn.ModuleList([Usual(8, 8, 3, padding="same"), Unusual(8, 8, 1)])
        self.dict = nn.ModuleDict(
            {
                "reflected": nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"),
                "twice": nn.Conv2d(8, 8, (3, 1), padding=(1, 0), dilation=1),
            }
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(4))
        self.up = nn.ConvTranspose2d(8, 8, 2, 2, groups=2)
        self.head = nn.Linear(8, 3)
        self.weight = nn.Parameter(torch.randn(8, 8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layer, norm in zip(self.list, self.norms, strict=False):
            x = F.relu(norm(layer(x)))
        x = self.norms[2](self.dict["reflected"](x))
        x = self.dict["twice"](torch.clamp(self.dict["twice"](x), 0.0, 4.0))
        x = F.conv2d(self.up(self.norms[3](x)), self.weight)
        y: Tensor = self.head(x.flatten(2).mean(2))
        return y


class Signal(nn.Module):
    """A map of one row as a signal, and features of tokens."""

    input_size = (1, 30)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(3, 8, 5, stride=2, padding=2)
        self.norm1 = nn.BatchNorm1d(8)
        self.conv2 = nn.Conv1d(8, 8, 3, padding=1, groups=2)
        self.mix = nn.Linear(8, 8)
        self.mix2 = nn.Linear(8, 8, bias=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv1(x.flatten(2))))
        x = self.conv2(x).transpose(1, 2)
        x = self.mix2(F.relu(self.mix(x)))
        y: Tensor = self.head(x.mean(1))
        return y


class Measuring(nn.Module):
    """Decides by shapes, and asks a layer for its features: torch.fx cannot follow it."""

    input_size = (9, 8)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.convs = nn.ModuleList(nn.Conv2d(16, 16, 3, padding=1) for _ in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm2d(16) for _ in range(3))
        self.acts = nn.ModuleList([nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU()])
        self.pool = nn.MaxPool2d(2)
        self.inner = nn.Linear(16, 24)
        self.head = nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Tensor:
        if len(x.shape) != 4:
            raise ValueError("images, please")
        x = self.stem(x)
        for conv, norm, act in zip(self.convs, self.norms, self.acts, strict=True):
            x = act(norm(conv(x)))
            if min(x.shape[2:]) > 4:
                x = self.pool(x)
        x = x.mean((2, 3)).reshape(-1, self.inner.in_features)
        x = F.relu(self.inner(x))
        y: Tensor = self.head(x)
        return y


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "plain": (Plain, (10, 9, 1)),
    "residual": (residual, (8, 8, 3)),
    "separable": (separable, (6, 7, 3)),
    "odd": (Odd, (6, 6, 3)),
    "signal": (Signal, (1, 30, 3)),
    "measuring": (Measuring, (9, 8, 3)),
}
"""Name -> a network with random weights, and the images that it takes."""
