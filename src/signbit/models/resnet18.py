"""ResNet-18 with a shortcut around every binary convolution, for 224x224 and for 32x32 images.

Its units make deeper networks too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from signbit.nn.blocks import Stem

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["ResNet18", "ResNet18Cifar"]

_WIDTHS = (64, 128, 256, 512)
_UNITS = (4, 4, 4, 4)  # of each stage: He's two blocks of two convolutions


class ResNet18(nn.Module):
    """Real 7x7 stem and max pool, four stages of four residual units, real classifier.

    He et al. 2016, "Deep Residual Learning", table 1, with the units of Bi-Real Net 2018: where
    the image halves, the shortcut is a 2x2 average pool, a real 1x1 convolution and BN.
    """

    input_size = (224, 224)
    units: tuple[int, ...] = _UNITS

    def __init__(self, method: Method, *, classes: int, channels: int) -> None:
        super().__init__()
        width = _WIDTHS[0]
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            method.stem_nonlinearity(width),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stages = build_stages(method, self.units, averaged_shortcut)
        self.norm = self.build_norm(_WIDTHS[-1])
        self.classifier = nn.Linear(_WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.norm(self.stages(self.stem(x)).mean((2, 3))))
        return logits

    def build_norm(self, features: int) -> nn.Module:
        """What normalises the features (N, features) for the classifier: nothing."""
        return nn.Identity()


class ResNet18Cifar(nn.Module):
    """Real 3x3 stem without pooling, the same stages, BN1d, real classifier.

    Where the image halves, the shortcut is a real 1x1 convolution with stride 2 and BN, as in
    IR-Net 2020 and SD-BNN 2021; those two have one shortcut per block of two convolutions, see
    `signbit.models.resnet18_blocks`.
    """

    input_size = (32, 32)

    def __init__(self, method: Method, *, classes: int, channels: int) -> None:
        super().__init__()
        width = _WIDTHS[0]
        self.stem = Stem(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            method.stem_nonlinearity(width),
        )
        self.stages = self.build_stages(method)
        self.norm = nn.BatchNorm1d(_WIDTHS[-1])
        self.classifier = nn.Linear(_WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.norm(self.stages(self.stem(x)).mean((2, 3))))
        return logits

    def build_stages(self, method: Method) -> nn.Sequential:
        """(N, 64, 32, 32) to (N, 512, 4, 4)."""
        return build_stages(method, _UNITS, strided_shortcut)


class ResidualUnit(nn.Module):
    """nonlinearity(BN(binary conv(x)) + shortcut(x)), with BN where the method's order has it.

    The shortcut yields what the convolution does: its stride, its channels. kernel_size is odd; the
    convolution pads by half of it.
    """

    def __init__(
        self,
        method: Method,
        in_channels: int,
        out_channels: int,
        stride: int,
        shortcut: nn.Module,
        kernel_size: int = 3,
    ) -> None:
        super().__init__()
        padding = kernel_size // 2
        self.conv = method.conv2d(in_channels, out_channels, kernel_size, stride, padding)
        self.norm = method.order.norm(in_channels, out_channels)
        self.shortcut = shortcut
        self.nonlinearity = method.nonlinearity(out_channels)
        self._combine = method.order.apply

    def forward(self, x: Tensor) -> Tensor:
        return self._combine(self.conv, self.norm, self.nonlinearity, x, self.shortcut(x))


def averaged_shortcut(in_channels: int, out_channels: int) -> nn.Module:
    """Halves the image by averaging, so that every pixel reaches the shortcut."""
    return nn.Sequential(
        nn.AvgPool2d(2),
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
    )


def strided_shortcut(in_channels: int, out_channels: int, stride: int = 2) -> nn.Module:
    """Takes every stride-th pixel (He et al. 2016, option B)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


def build_stages(
    method: Method, counts: Sequence[int], halving: Callable[[int, int], nn.Module]
) -> nn.Sequential:
    """All residual units; `halving` builds the shortcut of a stage's first, but for stage one."""
    units: list[nn.Module] = []
    before = _WIDTHS[0]
    for width, count in zip(_WIDTHS, counts, strict=True):
        for unit in range(count):
            halves = unit == 0 and width != before
            shortcut = halving(before, width) if halves else nn.Identity()
            units.append(ResidualUnit(method, before, width, 2 if halves else 1, shortcut))
            before = width
    return nn.Sequential(*units)
