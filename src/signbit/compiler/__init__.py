"""From a trained PyTorch model to an `.sbnn` file, and the proof that both say the same.

trace → passes → lower → file. `verify` holds the file against PyTorch, `count` says what it costs.
Importing this package does not import torch: counting a finished file does not need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signbit.compiler.compile import compile_model
    from signbit.compiler.writer import Compiled

__all__ = ["Compiled", "compile_model"]

_HOMES = {"Compiled": "writer", "compile_model": "compile"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
