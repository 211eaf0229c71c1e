"""A recipe's optimiser, made for a network."""

from __future__ import annotations

import torch
from torch import nn

from signbit.training.recipe import Adam, Sgd

__all__ = ["make_optimizer"]


def make_optimizer(chosen: Sgd | Adam, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser `chosen` over every parameter of `model`."""
    if isinstance(chosen, Sgd):
        return torch.optim.SGD(
            model.parameters(),
            lr=chosen.lr,
            momentum=chosen.momentum,
            weight_decay=chosen.weight_decay,
        )
    return torch.optim.Adam(model.parameters(), lr=chosen.lr, weight_decay=chosen.weight_decay)
