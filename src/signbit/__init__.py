"""signbit: one-bit neural networks, trained on PyTorch and run by XNOR and popcount.

Importing this package loads neither PyTorch nor the native engine; the public names that need
the engine are resolved at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signbit.errors import (
    CheckpointError,
    CompileError,
    ConfigError,
    DataError,
    DivergedError,
    InputError,
    InternalError,
    IsaError,
    LostProcessError,
    MissingExtraError,
    ModelFileError,
    ModelVersionError,
    RecipeError,
    Refusal,
    SignbitError,
    SignbitWarning,
    UsageError,
)
from signbit.lazy import from_modules
from signbit.moved import install as _find_moved_modules

if TYPE_CHECKING:
    from signbit.runtime.engine import Engine, Prediction, cpu_isas, load

__version__ = "0.1.0"

_find_moved_modules()

__all__ = [
    "CheckpointError",
    "CompileError",
    "ConfigError",
    "DataError",
    "DivergedError",
    "Engine",
    "InputError",
    "InternalError",
    "IsaError",
    "LostProcessError",
    "MissingExtraError",
    "ModelFileError",
    "ModelVersionError",
    "Prediction",
    "RecipeError",
    "Refusal",
    "SignbitError",
    "SignbitWarning",
    "UsageError",
    "__version__",
    "cpu_isas",
    "load",
]

__getattr__ = from_modules(
    __name__, dict.fromkeys(("Engine", "Prediction", "cpu_isas", "load"), "runtime.engine")
)


def __dir__() -> list[str]:
    return __all__
