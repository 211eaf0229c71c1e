"""Training runs: recipe in, run folder out; killed and started again, the same numbers.

Names are resolved on first use, so that reading recipes does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signbit.training.evaluate import Evaluation, evaluate_model
    from signbit.training.recipe import Recipe
    from signbit.training.result import RunResult
    from signbit.training.run import Run, load_run
    from signbit.training.supervised import train

__all__ = ["Evaluation", "Recipe", "Run", "RunResult", "evaluate_model", "load_run", "train"]

_HOMES = {
    "Evaluation": "evaluate",
    "Recipe": "recipe",
    "Run": "run",
    "RunResult": "result",
    "evaluate_model": "evaluate",
    "load_run": "run",
    "train": "supervised",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
