"""From a trained PyTorch model to an `.sbnn` file, and the proof that both say the same.

trace → passes → lower → file. `verification` holds the file against PyTorch; `count`
says what it costs.
Importing this package does not import torch: counting a finished file does not need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signbit.lazy import from_modules

if TYPE_CHECKING:
    from signbit.bitformat.graph import Resize
    from signbit.compiler.compile import check, compile_model
    from signbit.compiler.compiled import Compiled
    from signbit.compiler.inputs import ImageInput, RealInput

__all__ = ["Compiled", "ImageInput", "RealInput", "Resize", "check", "compile_model"]

_HOMES = {
    "Compiled": "compiled",
    "ImageInput": "inputs",
    "RealInput": "inputs",
    "Resize": "compile",
    "check": "compile",
    "compile_model": "compile",
}


__getattr__ = from_modules(__name__, _HOMES)
