"""Which line of a model's own code called: not of torch's, nor of signbit's."""

from __future__ import annotations

import linecache
import traceback
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch.fx import Node as FxNode

import signbit
from signbit.compiler.ir import NOWHERE, Place

__all__ = ["is_of_torch", "is_the_models", "place_of_call", "place_of_error", "place_of_guard"]

_TORCH = Path(torch.__file__).parent
_NOT_THE_MODELS = (_TORCH, Path(signbit.__file__).parent)
_PYTHON = Path(traceback.__file__).parent
_CALLERS = {_TORCH / "nn" / "modules" / name for name in ("container.py", "module.py")}
"""They only call the model's code; torch names them where that is in no file."""


def place_of_call(fx: FxNode) -> Place:
    """The innermost line of the model's own, where the export has kept it."""
    lines = [line.strip() for line in (fx.meta.get("stack_trace") or "").splitlines()]
    for place, code in reversed(list(pairwise(filter(None, lines)))):
        if place.startswith('File "'):
            _, file, rest = place.split('"', 2)
            if is_the_models(file):
                return Place(file, int(rest.split("line ")[1].split(",")[0]), code)
    return NOWHERE


def place_of_guard(guard: Any) -> Place:
    """The line that asked for a size, of the model's own; torch's says nothing to its user."""
    asked = _place(guard)
    if asked is None or asked.lineno is None or not is_the_models(asked.filename):
        return NOWHERE
    code = linecache.getline(asked.filename, asked.lineno).strip()
    return Place(asked.filename, asked.lineno, code)


def place_of_error(error: BaseException) -> Place:
    """The innermost line of the model's own that an error went through, or one that it came of."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.lineno is not None and is_the_models(frame.filename):
            return Place(frame.filename, frame.lineno, frame.line or "")
    earlier = error.__cause__ or error.__context__
    return NOWHERE if earlier is None else place_of_error(earlier)


def is_of_torch(guard: Any) -> bool:
    """Whether torch's own code asked for a size, not the model's."""
    asked = _place(guard)
    if asked is None:
        return False
    file = Path(asked.filename)
    return _TORCH in file.parents and file not in _CALLERS


def _place(guard: Any) -> traceback.FrameSummary | None:
    place = getattr(getattr(guard, "sloc", None), "framework_loc", None)
    return place if isinstance(place, traceback.FrameSummary) else None


def is_the_models(file: str) -> bool:
    """Whether a source is neither torch's, signbit's nor Python's, nor made while it ran."""
    if file.startswith(("<eval", "<string>", "<frozen")):
        return False
    parents = Path(file).parents
    is_pythons = _PYTHON in parents and not any(each.name == "site-packages" for each in parents)
    return not is_pythons and not any(folder in parents for folder in _NOT_THE_MODELS)
