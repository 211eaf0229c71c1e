"""What a classifier answered to labelled images: confusion, mistakes, certainty."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from signbit.runtime.prediction import softmax

__all__ = ["Bin", "Scores"]


@dataclass(frozen=True)
class Bin:
    """Images whose highest probability lies in one range: its middle, how many, how many right."""

    certainty: float
    """Mean of their highest probabilities, 0 … 1."""
    right: float
    """Share of them that are right, 0 … 1."""
    images: int


@dataclass(frozen=True, eq=False)
class Scores:
    """logits float32 (N, classes) of N images with labels int64 (N,), and the classes' names.

    temperature: what the logits are divided by before their softmax. least_probability: where no
    class reaches it, the answer is "none of these".
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    temperature: float = 1.0
    least_probability: float = 0.0

    def some(self, images: slice) -> Scores:
        """Those of some of the images."""
        return replace(self, logits=self.logits[images], labels=self.labels[images])

    @property
    def answers(self) -> NDArray[np.int64]:
        """The class of the highest score, (N,); of equal scores the first."""
        return np.asarray(self.logits.argmax(axis=1), dtype=np.int64)

    @property
    def top1(self) -> float:
        """Share of the images whose answer is their label, 0 … 1."""
        return float((self.answers == self.labels).mean())

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Softmax of the logits by the temperature, float64 (N, classes)."""
        return softmax(self.logits, self.temperature)

    @property
    def named(self) -> NDArray[np.bool_]:
        """Whether the answer is a class, (N,), and not "none of these"."""
        return np.asarray(self.probabilities.max(axis=1) >= self.least_probability)

    def confusion(self) -> NDArray[np.int64]:
        """How many images of each class (row) got each answer (column)."""
        classes = len(self.names)
        pairs = self.labels * classes + self.answers
        return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)

    def per_class(self) -> NDArray[np.float64]:
        """Share of each class's images that are right; NaN where it has none."""
        confusion = self.confusion()
        with np.errstate(invalid="ignore"):
            return np.asarray(np.diag(confusion) / confusion.sum(axis=1))

    def mistakes(self, count: int) -> list[int]:
        """The indices of at most `count` wrong answers, the most certain first."""
        certainty = self.probabilities.max(axis=1)
        wrong = np.flatnonzero(self.answers != self.labels)
        return [int(index) for index in wrong[np.argsort(-certainty[wrong], kind="stable")][:count]]

    def bins(self, count: int = 10) -> list[Bin]:
        """The images by certainty, in `count` ranges of equal width; empty ones are left out."""
        certainty = self.probabilities.max(axis=1)
        right = self.answers == self.labels
        place = np.minimum((certainty * count).astype(int), count - 1)
        return [
            Bin(float(certainty[inside].mean()), float(right[inside].mean()), int(inside.sum()))
            for inside in (place == number for number in range(count))
            if inside.any()
        ]

    def calibration_error(self, count: int = 10) -> float:
        """Expected calibration error: mean of |certainty − share right| over images, 0 … 1.

        Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
        """
        gaps = sum(each.images * abs(each.certainty - each.right) for each in self.bins(count))
        return gaps / len(self.labels)
