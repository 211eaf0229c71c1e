"""What the networks are put together from: a stem, a function of its values, a classifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.compiler.nets import Size
from torch import Tensor, nn

from signbit.nn import BinaryConv2d

__all__ = [
    "MAP",
    "ROW",
    "Networks",
    "Numbers",
    "Of",
    "conv",
    "excite",
    "of_map",
    "of_row",
    "of_tokens",
    "stem",
]

Function = Callable[..., Any]
Networks = dict[str, Callable[[], nn.Module]]

MAP: Size = (8, 6, 3)
ROW: Size = (1, 24, 3)


class Of(nn.Module):
    """A network whose forward is a function of its layers and the images, of this size."""

    size = MAP

    def __init__(self, function: Function, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


class Numbers(nn.Module):
    """Buffers of its own names."""

    def __init__(self, **numbers: Tensor) -> None:
        super().__init__()
        for name, value in numbers.items():
            self.register_buffer(name, value)


def conv(channels: int, out: int, kernel: int = 3, **keys: Any) -> nn.Module:
    """A binary convolution of a map's size and its batch-norm."""
    keys = {"padding": kernel // 2, **keys}
    return nn.Sequential(BinaryConv2d(channels, out, kernel, **keys), nn.BatchNorm2d(out))


def stem(out: int) -> nn.Module:
    """A real convolution of the images and its batch-norm."""
    return nn.Sequential(nn.Conv2d(3, out, 3, padding=1, bias=False), nn.BatchNorm2d(out))


def excite(channels: int) -> nn.Module:
    """The gate of squeeze and excite, by convolutions."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(channels, 2, 1),
        nn.ReLU(),
        nn.Conv2d(2, channels, 1),
        nn.Sigmoid(),
    )


def of_map(function: Function, channels: int = 8, out: int = 8, **layers: nn.Module) -> nn.Module:
    """A stem, the function of its map, which has `out` channels then, and a classifier."""

    def forward(own: Any, x: Tensor) -> Tensor:
        y: Tensor = own.head(function(own, own.stem(x)).mean((2, 3)))
        return y

    return Of(forward, stem=stem(channels), head=nn.Linear(out, 5), **layers)


def of_row(function: Function, out: int = 8, **layers: nn.Module) -> nn.Module:
    """A signal of one row through a stem, the function, and a classifier of its mean."""

    def forward(own: Any, x: Tensor) -> Tensor:
        y: Tensor = own.head(function(own, own.stem(x.squeeze(2))).mean(2))
        return y

    first = nn.Sequential(nn.Conv1d(3, 8, 5, padding=2), nn.BatchNorm1d(8))
    made = Of(forward, stem=first, head=nn.Linear(out, 5), **layers)
    made.size = ROW
    return made


def of_tokens(function: Function, features: int = 8, **layers: nn.Module) -> nn.Module:
    """Patches as tokens (N, 12, 8), the function, and a classifier of their mean."""

    def forward(own: Any, x: Tensor) -> Tensor:
        tokens = own.patches(x).flatten(2).transpose(1, 2)
        y: Tensor = own.head(function(own, tokens).mean(1))
        return y

    patches = nn.Conv2d(3, 8, 2, 2)
    return Of(forward, patches=patches, head=nn.Linear(features, 5), **layers)
