"""Small networks for any method, and their weights: one that has every kind of block, and signbit's
own with fewer channels."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.compiler.nets import pixels, randomise
from torch import Tensor, nn

from signbit import methods, models
from signbit.methods import Method
from signbit.models import (
    bnext,
    densenet,
    reactnet,
    real_to_binary,
    resnet18,
    resnet18_blocks,
    resnet20,
    resnet_e,
)
from signbit.models.keywords import KeywordNet
from signbit.models.mixer import Mixer
from signbit.models.pokebnn import PokeBNN
from signbit.models.quicknet import QuickNet
from signbit.models.resnet20 import ResidualUnit
from signbit.models.resnet34 import ResNet34
from signbit.models.vit import BinaryViT
from signbit.nn.blocks import ConvBlock
from signbit.nn.layers import BinaryConv2d, BinaryLinear

__all__ = [
    "SIZE",
    "Pair",
    "SmallNet",
    "narrow",
    "randomise_vectors",
    "small_net",
    "train_briefly",
]

SIZE = (12, 8, 3)
_CLASSES = 5


class SmallNet(nn.Module):
    """Stem, residual units with three kinds of shortcut, a pair, a pooled block, a linear layer."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.stem = ConvBlock(
            nn.Conv2d(3, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            method.stem_nonlinearity(8),
        )
        averaged = ResidualUnit(method, 12, 12, 2)
        averaged.shortcut = nn.AvgPool2d(2)
        self.units = nn.Sequential(
            ResidualUnit(method, 8, 8, 1), ResidualUnit(method, 8, 12, 2), averaged
        )
        self.pair = Pair(method, 12)
        self.block = ConvBlock(
            method.conv2d(24, 20, 3, padding=1),
            nn.MaxPool2d((1, 2)),
            nn.BatchNorm2d(20),
            method.nonlinearity(20),
        )
        self.linear = method.linear(20, 16)
        self.norm = nn.BatchNorm1d(16)
        self.classifier = nn.Linear(16, _CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block(self.pair(self.units(self.stem(x))))
        logits: Tensor = self.classifier(self.norm(self.linear(x.mean((2, 3)))))
        return logits


class Pair(nn.Module):
    """ReActNet's: two 1x1 convolutions of what is binarized once, each with the same shortcut.

    As the published code has it, (N, channels, H, W) to (N, 2 channels, H, W).
    """

    def __init__(self, method: Method, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(method.conv2d(channels, channels, 1) for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(2))
        first = self.convs[0].activation_binarizer
        for conv in self.convs:
            conv.activation_binarizer = first
        self.nonlinearity = method.nonlinearity(2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        branches = [norm(conv(x)) + x for conv, norm in zip(self.convs, self.norms, strict=True)]
        y: Tensor = self.nonlinearity(torch.cat(branches, 1))
        return y


def small_net(method: str, binarize: str = "both", *, trained: bool = False) -> SmallNet:
    """In evaluation mode, at random weights and statistics or after a few steps of training."""
    torch.manual_seed(2)
    model = SmallNet(methods.get(method, binarize=binarize))
    if trained:
        train_briefly(model, SIZE, classes=_CLASSES)
    else:
        randomise_vectors(model)
        randomise(model)
    return model


def narrow(monkeypatch: pytest.MonkeyPatch, architecture: str) -> int:
    """Give networks of `signbit.models` that have many fewer channels and units, for one test.

    Returns the side of a square image on which every stage of the architecture still has pixels.
    """
    widths = (12, 20, 40)
    for module in (resnet18, resnet18_blocks, resnet_e, real_to_binary):
        monkeypatch.setattr(module, "_WIDTHS", widths)
    monkeypatch.setattr(resnet18, "_UNITS", (2, 2, 1))
    monkeypatch.setattr(resnet_e, "_UNITS", (2, 1, 1))
    monkeypatch.setattr(real_to_binary, "_UNITS", 2)
    monkeypatch.setattr(densenet, "_GROWTH", 12)
    monkeypatch.setattr(densenet, "_WIDTH", 16)
    monkeypatch.setattr(densenet.BinaryDenseNet28, "layers", ((2, 20), (1, 0)))
    monkeypatch.setattr(densenet.MeliusNet22, "blocks", ((2, 20), (1, 0)))
    monkeypatch.setattr(bnext, "_WIDTHS", (6, 12, 24, 24))
    poke = partial(PokeBNN, blocks=(1, 1), multiplier=0.25, small_images=True)
    monkeypatch.setitem(models._binary, "pokebnn-cifar", poke)
    monkeypatch.setitem(models._binary, "mixer", partial(Mixer, width=24, layers=1))
    vit = partial(BinaryViT, width=24, heads=2, layers=1)
    monkeypatch.setitem(models._binary, "binary-vit", vit)
    monkeypatch.setitem(models._binary, "keywords", partial(KeywordNet, layers=1))
    for name, small in (("quicknet", False), ("quicknet-cifar", True)):
        build = partial(QuickNet, layers=(2, 1), widths=(12, 20), small_images=small)
        monkeypatch.setitem(models._binary, name, build)
    monkeypatch.setattr(resnet18.ResNet18, "units", (2, 2, 1))
    monkeypatch.setattr(resnet20, "_stage", _short_stage)
    monkeypatch.setattr(ResNet34, "units", (1, 3, 2))
    # From 64 channels on, a block that doubles the width halves the image: two of these stay.
    monkeypatch.setattr(reactnet, "_WIDTHS", (32, 64, 128, 128, 256))
    sides = {"digits": 8, "resnet18-cifar": 16, "resnet18-cifar-blocks": 16, "resnet20": 16}
    return sides.get(architecture, 16 if architecture.endswith("-cifar") else 32)


def _short_stage(method: Method, in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """ResNet-20's with two units instead of six."""
    first = ResidualUnit(method, in_channels, out_channels, stride)
    return nn.Sequential(first, ResidualUnit(method, out_channels, out_channels, 1))


def randomise_latents(model: nn.Module) -> None:
    """Give latent weights both signs and an ordinary size; some methods' start is tiny, above 0.

    With random statistics behind them the sums of tiny weights would hardly vary, and their signs
    not at all: such a layer is refused.
    """
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, BinaryConv2d | BinaryLinear):
                module.weight.copy_(0.1 * torch.randn(module.weight.shape, generator=generator))


def randomise_vectors(model: nn.Module) -> None:
    """Move every bias, slope, threshold and offset from where it starts, some past 0."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() <= 1:
                parameter.add_(0.4 * torch.randn(parameter.shape, generator=generator))


def train_briefly(
    model: nn.Module, size: tuple[int, int, int], *, classes: int, steps: int = 8
) -> None:
    """Adam on random images; statistics of the batches are collected. Ends in evaluation mode."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
    model.train()
    for step in range(steps):
        images = torch.from_numpy(pixels(8, size, step).transpose(0, 3, 1, 2).copy())
        labels = torch.from_numpy(np.random.default_rng(step).integers(0, classes, 8))
        loss = F.cross_entropy(model(images / 64 - 2), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
