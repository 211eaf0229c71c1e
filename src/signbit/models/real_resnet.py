"""Real-valued residual networks, teachers and baselines: nothing in them becomes a sign.

He et al. 2016, "Deep Residual Learning for Image Recognition". The names of their states are those
of the checkpoints that the public has: torchvision's for 224x224, for CIFAR those of
akamaster/pytorch_resnet_cifar10. Initial weights are drawn as there.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from signbit.models.resnet18 import strided_shortcut
from signbit.models.resnet20 import SubsampleShortcut

__all__ = ["BasicBlock", "Bottleneck", "RealResNet", "RealResNetCifar"]

Shortcut = Callable[[int, int, int], nn.Module]
"""(in channels, out channels, stride) -> the shortcut of a block that changes its shape."""


class BasicBlock(nn.Module):
    """relu(BN(conv3x3(relu(BN(conv3x3(x))))) + downsample(x)); `width` channels come out."""

    expansion = 1

    def __init__(self, in_channels: int, width: int, stride: int, downsample: nn.Module) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions around `width` channels; 4 * width come out.

    The 3x3 convolution has the stride, as in torchvision (He's first 1x1 has it).
    """

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int, downsample: nn.Module) -> None:
        super().__init__()
        out_channels = self.expansion * width
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


Block = type[BasicBlock] | type[Bottleneck]


class RealResNet(nn.Module):
    """7x7 stem and max pool, four stages (64-128-256-512, times the block's expansion), `fc`.

    block, blocks: BasicBlock with (2, 2, 2, 2) is ResNet-18, with (3, 4, 6, 3) ResNet-34;
    Bottleneck with (3, 4, 6, 3) is ResNet-50.
    """

    input_size = (224, 224)

    def __init__(
        self, block: Block, blocks: tuple[int, int, int, int], *, classes: int, channels: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        e = block.expansion
        self.layer1 = _stage(block, 64, 64, blocks[0], 1, strided_shortcut)
        self.layer2 = _stage(block, 64 * e, 128, blocks[1], 2, strided_shortcut)
        self.layer3 = _stage(block, 128 * e, 256, blocks[2], 2, strided_shortcut)
        self.layer4 = _stage(block, 256 * e, 512, blocks[3], 2, strided_shortcut)
        self.fc = nn.Linear(512 * e, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


class RealResNetCifar(nn.Module):
    """3x3 stem, three stages (16-32-64) with parameter-free shortcuts, `linear`.

    blocks: of every stage; 3, 5, 7 and 9 are ResNet-20, -32, -44 and -56 (6 * blocks + 2).
    `width` is the first stage's channels; the others have twice and four times as many.
    """

    input_size = (32, 32)

    def __init__(self, blocks: int, *, classes: int, channels: int, width: int = 16) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(BasicBlock, width, width, blocks, 1, _subsampling)
        self.layer2 = _stage(BasicBlock, width, 2 * width, blocks, 2, _subsampling)
        self.layer3 = _stage(BasicBlock, 2 * width, 4 * width, blocks, 2, _subsampling)
        self.linear = nn.Linear(4 * width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.linear(x.mean((2, 3)))
        return logits


def _subsampling(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    return SubsampleShortcut(stride, out_channels - in_channels)


def _stage(
    block: Block, in_channels: int, width: int, blocks: int, stride: int, shortcut: Shortcut
) -> nn.Sequential:
    out_channels = block.expansion * width
    changes = stride != 1 or in_channels != out_channels
    around = shortcut(in_channels, out_channels, stride) if changes else nn.Identity()
    first = block(in_channels, width, stride, around)
    others = [block(out_channels, width, 1, nn.Identity()) for _ in range(blocks - 1)]
    return nn.Sequential(first, *others)
