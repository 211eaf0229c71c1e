"""Every exception that signbit raises on purpose; all derive from `SignbitError`.

A message says what was wrong, where, and what would be right.
"""

from __future__ import annotations

__all__ = [
    "CheckpointError",
    "CompileError",
    "DataError",
    "DivergedError",
    "InputError",
    "InternalError",
    "IsaError",
    "LostProcessError",
    "MissingExtraError",
    "ModelFileError",
    "ModelVersionError",
    "RecipeError",
    "SignbitError",
    "SignbitWarning",
    "UsageError",
]

EXTRAS = {
    "cli": {"typer": "typer", "rich": "rich", "PIL": "Pillow"},
    "train": {
        "torch": "torch",
        "accelerate": "accelerate",
        "datasets": "datasets",
        "pyarrow": "pyarrow",  # which datasets brings
        "pydantic": "pydantic",
        "yaml": "PyYAML",
        "safetensors": "safetensors",
        "sklearn": "scikit-learn",
        "tensorboard": "tensorboard",
        "torchmetrics": "torchmetrics",
    },
    "plot": {"matplotlib": "matplotlib"},
}
"""Extra → the modules that it brings → their packages, as pyproject.toml has them."""

_MOST_SHOWN = 200


class SignbitError(Exception):
    """Base of all errors that a user of signbit may want to catch."""

    def __repr__(self) -> str:
        said = str(self)
        short = said if len(said) <= _MOST_SHOWN else f"{said[:_MOST_SHOWN]}…"
        return f"{type(self).__name__}({short!r})"


class ModelFileError(SignbitError):
    """An `.sbnn` file is truncated, malformed or contradicts itself."""


class ModelVersionError(ModelFileError):
    """An `.sbnn` file has a format version newer than this engine knows."""


class CompileError(SignbitError):
    """A network cannot be mapped to the engine; names the module, the op and the reason."""


class InternalError(SignbitError):
    """A part of signbit has made something that cannot be right: a mistake of signbit's own."""


class InputError(SignbitError, ValueError):
    """An array given to an engine or a layer has the wrong shape, dtype or values."""


class DataError(SignbitError):
    """A data source is missing, empty or unreadable."""


class RecipeError(SignbitError):
    """A recipe or an override has an unknown key or a bad value."""


class CheckpointError(SignbitError):
    """A run folder or checkpoint is missing, damaged or belongs to another recipe."""


class DivergedError(SignbitError):
    """Training produced a loss or a weight that is NaN or infinite."""


class LostProcessError(SignbitError):
    """Another process of the same training was killed, failed or stopped answering."""


class IsaError(SignbitError):
    """The instruction set asked for is unknown, or the CPU or the OS lacks it."""


class MissingExtraError(SignbitError, ImportError):
    """A feature needs an optional extra (`cli`, `train`, `plot`) that is not installed."""

    @classmethod
    def of(cls, module: str, what: str) -> MissingExtraError:
        """What to install so that `what` ("Parquet files") has the package of `module` ("pyarrow").

        Raises KeyError where no extra brings that module.
        """
        extra = next((name for name, modules in EXTRAS.items() if module in modules), None)
        if extra is None:
            raise KeyError(module)
        return cls(
            f"{what} needs {EXTRAS[extra][module]}, which is not installed: "
            f"pip install 'signbit[{extra}]', or pip install -e '.[{extra}]' in a checkout of "
            "signbit",
            name=module,
        )


class UsageError(SignbitError):
    """The command line does not say a command: unknown option, missing or bad argument."""


class SignbitWarning(UserWarning):
    """Something works, but hardly as it was meant: it says what, and what to do instead."""
