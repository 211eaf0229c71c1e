"""What a pre-training is watched by: agreement with a teacher, and signs of collapse.

Everything is of a batch of embeddings or features, (N, dim), in float64, without gradient.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from signbit.errors import InputError
from signbit.selfsup.objectives.objective import require_temperature

__all__ = [
    "deviation",
    "diagnose",
    "effective_rank",
    "kl_divergence",
    "top1_agreement",
]


@torch.no_grad()
def kl_divergence(teacher: Tensor, student: Tensor, temperature: float) -> float:
    """Mean over images of Σ_d p_d·log(p_d / q_d) in nats, 0 where both say the same.

    p and q are the distributions of `signbit.selfsup.Guided`, so that its loss is this plus the
    mean entropy of p, which the student has no part in. (N, dim) both, of any length. Raises
    InputError for other shapes and a temperature outside 0.001 … 1000.
    """
    _require_pair(teacher, student)
    temperature = require_temperature(temperature)
    p, q = (
        (F.normalize(each.double(), dim=1) / temperature).log_softmax(1)
        for each in (teacher, student)
    )
    return float((p.exp() * (p - q)).sum(1).mean())


@torch.no_grad()
def top1_agreement(teacher: Tensor, student: Tensor) -> float:
    """The share of images, 0 … 1, whose two distributions have their largest value at one place.

    (N, dim) both; temperature and length do not matter. Raises InputError for other shapes.
    """
    _require_pair(teacher, student)
    return float((teacher.argmax(1) == student.argmax(1)).double().mean())


@torch.no_grad()
def deviation(embedding: Tensor) -> float:
    """Standard deviation over images of the normalised embedding, mean over its dimensions.

    About 1/√dim where embeddings are spread over the sphere, 0 where all images get the same one
    (Chen, He 2021, "Exploring Simple Siamese Representation Learning", section 4.1). Over N, not
    N − 1.
    """
    _require_rows(embedding)
    rows = F.normalize(embedding.double(), dim=1)
    return float(rows.std(0, correction=0).mean())


@torch.no_grad()
def effective_rank(rows: Tensor) -> float:
    """exp(−Σ p_i·log p_i), p the singular values of (N, dim), divided by their sum.

    1 … min(N, dim): how many directions the rows use (Roy, Vetterli 2007, "The effective rank";
    nothing is subtracted first, so that rows which are all alike have rank 1). 0 where all are 0.
    """
    _require_rows(rows)
    values = torch.linalg.svdvals(rows.double())
    total = float(values.sum())
    if total == 0:
        return 0.0
    return math.exp(float(torch.special.entr(values / total).sum()))


def diagnose(
    features: Tensor,
    embedding: Tensor,
    teacher: Tensor | None = None,
    *,
    temperature: float = 0.2,
) -> dict[str, float]:
    """All of the above for features (N, width) and embedding (N, dim) of the same images.

    `teacher` is the teacher's embedding (N, dim) of them; without one, its two measures are left
    out. Names: embedding/deviation, embedding/rank, features/rank, teacher/kl, teacher/agreement.
    """
    found = {
        "embedding/deviation": deviation(embedding),
        "embedding/rank": effective_rank(embedding),
        "features/rank": effective_rank(features),
    }
    if teacher is not None:
        found["teacher/kl"] = kl_divergence(teacher, embedding, temperature)
        found["teacher/agreement"] = top1_agreement(teacher, embedding)
    return found


def _require_rows(rows: Tensor) -> None:
    if rows.dim() != 2 or 0 in rows.shape:
        raise InputError(f"diagnostics are of (images, dim), got {tuple(rows.shape)}")


def _require_pair(teacher: Tensor, student: Tensor) -> None:
    for rows in (teacher, student):
        _require_rows(rows)
    if teacher.shape != student.shape:
        raise InputError(
            f"teacher and student must have one shape, got {tuple(teacher.shape)} and "
            f"{tuple(student.shape)}"
        )
