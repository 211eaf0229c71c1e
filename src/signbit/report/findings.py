"""What a report knows. What could not be found out is None, and the page says why in `without`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from signbit.compiler.count import ModelCost
from signbit.compiler.report import totals
from signbit.html import shown
from signbit.report.inside import Inside
from signbit.report.scores import Scores
from signbit.runtime.engine import NodeReport
from signbit.training.reports.curves import Curves

__all__ = ["Agreed", "Findings"]


@dataclass(frozen=True)
class Agreed:
    """How many of `images` got the same answer from the engine as from PyTorch."""

    images: int
    same: int


@dataclass(frozen=True, eq=False)
class Findings:
    """Of one run or one file. `card` is what it is, as names and values."""

    title: str
    card: Mapping[str, str]
    cost: ModelCost
    nodes: tuple[NodeReport, ...]
    isa: str
    inside: Inside
    curves: Curves | None = None
    scores: Scores | None = None
    mistakes: tuple[tuple[int, NDArray[np.uint8]], ...] = ()
    """Index among the scored images, and the image as the network saw it, uint8 (H, W, C)."""
    agreed: Agreed | None = None
    without: tuple[str, ...] = field(default=())
    """What is missing, and what would bring it."""

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What it is, what it costs, and how far it agrees with PyTorch, as names and values."""
        found = [*self.card.items(), *totals(self.cost)]
        if self.agreed is not None:
            images, same = self.agreed.images, self.agreed.same
            found.append(("agreement", f"{same:,} of {images:,} images get PyTorch's answer"))
        return found

    def _repr_html_(self) -> str:
        facts = self.facts
        if self.scores is not None:
            images = len(self.scores.labels)
            facts.append(("top-1", f"{self.scores.top1:.2%} of {images:,} images"))
            facts.append(("calibration error", f"{self.scores.calibration_error():.2%}"))
        return shown(self.title, facts)
