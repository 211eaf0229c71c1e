"""Random weights with which an untrained network's signs vary as a trained one's do.

Runs under an older commit's package too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

try:
    from signbit.nn import BinaryConv2d, BinaryLinear
except ImportError:  # commits before the package had rooms
    from signbit.layers import BinaryConv2d, BinaryLinear

__all__ = ["calibrate", "randomise"]


@torch.no_grad()
def randomise(model: nn.Module) -> None:
    """Latent weights of both signs; normalisations with a slope and an offset of their own."""
    for module in model.modules():
        if isinstance(module, BinaryConv2d | BinaryLinear):
            module.weight.normal_(std=0.05)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.weight.normal_(1.0, 0.3)
            module.bias.normal_(0.0, 0.2)


@torch.no_grad()
def calibrate(model: nn.Module, images: Tensor) -> None:
    """Set every normalisation's statistics to those of one batch, and leave the model training.

    An untrained sum of shortcuts grows with depth; the exact statistics hold it in range.
    """
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    model.train()(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
