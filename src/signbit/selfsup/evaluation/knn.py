"""Classifying by nearest neighbours: how good features are, without training anything on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from signbit.errors import InputError

__all__ = ["weighted_knn"]

# Similarities of one part of the queries to the whole bank; 100 MB at 50,000 images.
_AT_ONCE = 512


@torch.no_grad()
def weighted_knn(
    bank: Tensor,
    labels: Tensor,
    queries: Tensor,
    *,
    classes: int,
    neighbours: int = 200,
    temperature: float = 0.07,
) -> Tensor:
    """The class (M,) that each query's nearest neighbours vote for, on the features' device.

    bank: real (N, width) with `labels` int64 (N,) in 0 … classes − 1; queries: (M, width). Each of
    the `neighbours` most similar images (all, where there are fewer) votes for its class with
    exp(cosine / temperature): Wu, Xiong, Yu, Lin 2018, "Unsupervised Feature Learning via
    Non-Parametric Instance Discrimination", section 3.4. Of equal sums the lower class wins.
    Raises InputError for an empty bank, other shapes, neighbours < 1 or a temperature <= 0.
    """
    if bank.dim() != 2 or not len(bank) or queries.shape[1:] != bank.shape[1:]:
        raise InputError(
            f"features must be (N, width) with N >= 1 and one width, got {tuple(bank.shape)} and "
            f"queries {tuple(queries.shape)}"
        )
    if labels.shape != bank.shape[:1]:
        raise InputError(f"{len(bank)} images need as many labels, got {tuple(labels.shape)}")
    if neighbours < 1 or not temperature > 0:
        raise InputError(
            f"neighbours must be >= 1 and temperature > 0, got {neighbours} and {temperature}"
        )
    bank = F.normalize(bank, dim=1)
    answers = [labels.new_empty(0)]
    for part in torch.split(F.normalize(queries, dim=1), _AT_ONCE):
        similar, nearest = (part @ bank.T).topk(min(neighbours, len(bank)), dim=1)
        # The largest weight becomes 1, which changes no order and overflows nowhere.
        weights = ((similar - similar[:, :1]) / temperature).exp()
        votes = weights.new_zeros(len(part), classes).scatter_add_(1, labels[nearest], weights)
        answers.append(votes.argmax(1))
    return torch.cat(answers)
