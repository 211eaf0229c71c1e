"""A small binary student and a real teacher for 8x8 grey images."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from signbit.methods import get
from signbit.selfsup import Embedder, ProjectionHead, build_backbone

DIM = 6

Array = NDArray[np.float64]


def embedder(seed: int = 0) -> Embedder:
    """Of the digits' network, Bi-Real, in float64."""
    torch.manual_seed(seed)
    backbone = build_backbone("digits", get("bireal"), channels=1)
    return Embedder(backbone, ProjectionHead(backbone.width, 16, DIM)).double()


def teacher(out: int = DIM) -> nn.Module:
    torch.manual_seed(7)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, out), nn.Dropout(0.5)).double()


def views(seed: int = 1, images: int = 5) -> Tensor:
    """Two views (2, images, 1, 8, 8)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, images, 1, 8, 8, generator=generator, dtype=torch.float64)


def embedding(network: nn.Module, pixels: Tensor) -> Array:
    """What an embedder in its present mode says, normalised."""
    with torch.no_grad():
        found = np.asarray(network(pixels)[1])
    return unit(found)


def unit(rows: Array) -> Array:
    found: Array = rows / np.sqrt((rows**2).sum(1, keepdims=True))
    return found


def log_softmax(x: Array) -> Array:
    shifted = x - x.max(1, keepdims=True)
    found: Array = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return found


def contrast(query: Array, key: Array, queue: Array, temperature: float) -> Array:
    """MoCo's loss of each image: the key's logit first, then the queue's."""
    logits = np.concatenate([(query * key).sum(1, keepdims=True), query @ queue.T], 1)
    return -log_softmax(logits / temperature)[:, 0]


def guidance(answers: Array, student: Array, temperature: float) -> Array:
    """The cross-entropy of each image."""
    wanted = np.exp(log_softmax(answers / temperature))
    found: Array = -(wanted * log_softmax(student / temperature)).sum(1)
    return found
