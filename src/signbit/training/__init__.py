"""Training runs: recipe in, run folder out; killed and started again, the same numbers.

Names are resolved on first use, so that reading recipes does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signbit.lazy import from_modules

if TYPE_CHECKING:
    from signbit.training.recipe import Recipe
    from signbit.training.runs.folder import Run, load_run
    from signbit.training.runs.result import RunResult
    from signbit.training.supervised.evaluate import Evaluation, evaluate_model
    from signbit.training.supervised.fit import fit
    from signbit.training.supervised.train import train

__all__ = [
    "Evaluation",
    "Recipe",
    "Run",
    "RunResult",
    "evaluate_model",
    "fit",
    "load_run",
    "train",
]

_HOMES = {
    "Evaluation": "supervised.evaluate",
    "Recipe": "recipe",
    "Run": "runs.folder",
    "RunResult": "runs.result",
    "evaluate_model": "supervised.evaluate",
    "fit": "supervised.fit",
    "load_run": "runs.folder",
    "train": "supervised.train",
}


__getattr__ = from_modules(__name__, _HOMES)
