"""Linear classifiers on frozen features: training, scores, and the choice of a learning rate.

The protocol of MoCo (He et al. 2020) with the constants of S2-BNN 2021: see `ProbePlan`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torchmetrics.functional.classification import multiclass_stat_scores

from signbit.data.loading.seeds import derive_seed
from signbit.data.sources.split import share_of_classes
from signbit.errors import DivergedError, InputError
from signbit.selfsup.evaluation.features import Batches, CachedBatches, Features
from signbit.training.recipe.sections import Steps
from signbit.training.schedule import learning_rate

__all__ = [
    "ProbePlan",
    "Scores",
    "Trial",
    "choose_rate",
    "diverged",
    "empty_linear",
    "score",
    "train_linear",
]

_SCHEDULE = Steps(at=(0.6, 0.8), factor=0.1)
_MOMENTUM = 0.9
_INITIAL_DEVIATION = 0.01
_VALIDATION_SHARE = 0.1
_TOP = 5


@dataclass(frozen=True)
class ProbePlan:
    """SGD with momentum 0.9 and no weight decay; the rate is divided by ten at 60 and at 80 %.

    The rates are tried side by side on the same batches. Raises InputError for counts below 1,
    no rate, or a rate that is not positive.
    """

    epochs: int = 100
    batch_size: int = 256
    rates: tuple[float, ...] = (0.1,)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise InputError(
                f"a probe needs epochs and a batch size >= 1, got {self.epochs}, {self.batch_size}"
            )
        if not self.rates or not all(0 < rate < float("inf") for rate in self.rates):
            raise InputError(f"a probe needs positive learning rates, got {list(self.rates)}")


@dataclass(frozen=True)
class Scores:
    """Shares of the images, 0 … 1; `top5` is None where there are five classes or fewer."""

    top1: float
    top5: float | None


@dataclass(frozen=True)
class Trial:
    """How one learning rate did on the images held out; top1 is None where it diverged."""

    rate: float
    top1: float | None


def train_linear(
    batches: Batches, width: int, classes: int, plan: ProbePlan, device: torch.device
) -> list[nn.Linear | None]:
    """One linear classifier (width to classes) per rate of the plan; None where training diverged.

    Weights start at N(0, 0.01²), drawn from the plan's seed on the CPU whatever the device is, and
    biases at 0: the same for every rate. The result is on `device`.
    """
    generator = torch.Generator().manual_seed(derive_seed(plan.seed, "linear"))
    initial = _INITIAL_DEVIATION * torch.randn(classes, width, generator=generator)
    heads = []
    for _ in plan.rates:
        head = empty_linear(width, classes)
        with torch.no_grad():
            head.weight.copy_(initial)
            head.bias.zero_()
        heads.append(head.to(device))
    optimizers = [
        torch.optim.SGD(head.parameters(), lr=rate, momentum=_MOMENTUM)
        for head, rate in zip(heads, plan.rates, strict=True)
    ]
    for epoch in range(plan.epochs):
        for optimizer, rate in zip(optimizers, plan.rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(_SCHEDULE, rate, epoch / plan.epochs)
        for features, labels in batches.epoch(epoch):
            for head, optimizer in zip(heads, optimizers, strict=True):
                optimizer.zero_grad()
                F.cross_entropy(head(features), labels).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    finite = [all(bool(p.isfinite().all()) for p in head.parameters()) for head in heads]
    return [head if good else None for head, good in zip(heads, finite, strict=True)]


def empty_linear(width: int, classes: int) -> nn.Linear:
    """A linear layer on the CPU whose values are yet to be set; no generator is moved."""
    return nn.Linear(width, classes, device="meta").to_empty(device="cpu")


@torch.no_grad()
def score(head: nn.Linear, features: Features) -> Scores:
    """Top-1 and top-5 of `head` on all of `features`, which are on its device."""
    logits, classes = head(features.values), head.out_features

    def share(top: int) -> float:
        counts = multiclass_stat_scores(
            logits, features.labels, classes, average="micro", top_k=top
        )
        return int(counts[0]) / len(features)  # (true positives, …)

    return Scores(share(1), share(_TOP) if classes > _TOP else None)


def choose_rate(
    training: Features, classes: int, plan: ProbePlan, device: torch.device
) -> tuple[float, list[Trial]]:
    """The plan's rate with the best top-1 on a tenth of the training images, and all trials.

    The tenth is of every class and drawn from the plan's seed; the rates learn from the rest. Test
    images play no part. Of equal rates the first one wins. Raises DivergedError where all diverge,
    InputError where a class has one image, so that nothing would be left to learn it from.
    """
    labels = training.labels.cpu().numpy()
    held = torch.from_numpy(share_of_classes(labels, _VALIDATION_SHARE, plan.seed))
    kept = torch.ones(len(training), dtype=torch.bool)
    kept[held] = False
    rest = training.take(kept.nonzero().squeeze(1))
    if np.bincount(labels)[labels].min() == 1:
        raise InputError(
            "several learning rates are compared on images held out of the training, but a class "
            "has only one image; give one rate, or more labels"
        )
    batches = CachedBatches(rest, plan.batch_size, plan.seed)
    heads = train_linear(batches, training.values.shape[1], classes, plan, device)
    validation = training.take(held)
    trials = [
        Trial(rate, None if head is None else score(head, validation).top1)
        for rate, head in zip(plan.rates, heads, strict=True)
    ]
    best = max(trials, key=lambda trial: -1.0 if trial.top1 is None else trial.top1)
    if best.top1 is None:
        raise diverged(plan.rates)
    return best.rate, trials


def diverged(rates: Sequence[float]) -> DivergedError:
    """The error for classifiers of which none ended with finite weights."""
    given = ", ".join(f"{rate:g}" for rate in rates)
    return DivergedError(f"the linear classifier diverged at learning rate {given}; lower it")
