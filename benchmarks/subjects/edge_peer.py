"""The network of edge_network.py in real numbers, as its peers run it."""

from __future__ import annotations

import torch
from torch import nn

from subjects.edge_network import LAYERS, STEM

__all__ = ["real_network"]


def real_network() -> nn.Module:
    """The same convolutions with ReLU, at random weights; normalisations would be folded anyway."""
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, STEM, 3, padding=1), nn.ReLU()]
    channels = STEM
    for filters, stride in LAYERS:
        layers += [nn.Conv2d(channels, filters, 3, stride, padding=1), nn.ReLU()]
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
