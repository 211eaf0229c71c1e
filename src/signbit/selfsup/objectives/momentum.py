"""A copy of a network that follows it slowly."""

from __future__ import annotations

import copy

import torch
from torch import nn

from signbit.errors import InputError

__all__ = ["momentum_copy", "require_momentum", "update_momentum"]


def momentum_copy(network: nn.Module) -> nn.Module:
    """The network's equal, which no gradient reaches."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def update_momentum(follower: nn.Module, leader: nn.Module, momentum: float) -> None:
    """θ_k ← m·θ_k + (1 − m)·θ_q, in place, for all parameters (He et al. 2020, equation 2).

    Of a binary network that moves the latent weights; the signs follow from them. Buffers are left
    alone: a batch normalisation's running statistics are of its own network's batches.
    """
    for key, query in zip(follower.parameters(), leader.parameters(), strict=True):
        key.lerp_(query, 1 - momentum)


def require_momentum(momentum: float) -> float:
    """`momentum`, if it is one: InputError unless it is in 0 … 1."""
    if not 0 <= momentum <= 1:
        raise InputError(f"momentum must be in 0 … 1, got {momentum}")
    return float(momentum)
