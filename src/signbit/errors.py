"""Every exception that signbit raises on purpose; all derive from `SignbitError`.

A message says what was wrong, where, and what would be right.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

__all__ = [
    "CheckpointError",
    "CompileError",
    "ConfigError",
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
    "Refusal",
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
        "scipy": "scipy",
        "sklearn": "scikit-learn",
        "tensorboard": "tensorboard",
        "torchmetrics": "torchmetrics",
    },
    "plot": {"matplotlib": "matplotlib"},
    "onnx": {"onnx": "onnx"},
    "keras": {"h5py": "h5py"},
    "hub": {"huggingface_hub": "huggingface-hub"},
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


@dataclass(frozen=True)
class Refusal:
    """One thing about a model that cannot be compiled, and what to write instead."""

    where: str
    """Path of the module, name of the parameter, or "the model"; empty for an argument."""
    operation: str
    """As PyTorch names it (`aten.mish`); empty where it is no operation that is refused."""
    reason: str
    cure: str = ""
    """What works instead; empty where nothing is known."""
    file: str = ""
    """Path of the model's own source that called; empty where the export has not kept it."""
    line: int = 0
    """From 1 on; 0 without a file."""
    code: str = ""
    """The line itself."""

    @property
    def place(self) -> str:
        """Module, operation and line, as far as they are known."""
        operation = f" ({self.operation})" if self.operation else ""
        name = self.file.replace("\\", "/").rpartition("/")[2]
        code = f": {self.code}" if self.code else ""
        line = f" ({name}, line {self.line}{code})" if self.line else ""
        return f"{self.where}{operation}{line}"

    @property
    def words(self) -> str:
        """The reason and the cure."""
        return f"{self.reason}; {self.cure}" if self.cure else self.reason

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.place, self.words)))


class CompileError(SignbitError):
    """A network cannot be mapped to the engine: everything about it that is refused, at once.

    Made of `Refusal`s, or of sentences that are about no place in particular. As text, one refusal
    is one line; several are a list of at most 80 columns, equal reasons together.
    """

    def __init__(self, *refusals: Refusal | str) -> None:
        super().__init__(*refusals)
        known = (Refusal("", "", each) if isinstance(each, str) else each for each in refusals)
        self.refusals: tuple[Refusal, ...] = tuple(dict.fromkeys(known))

    def __str__(self) -> str:
        if len(self.refusals) == 1:
            return str(self.refusals[0])
        lines = [f"{len(self.refusals)} things about this model cannot be compiled:"]
        places: dict[str, list[str]] = {}
        for refusal in self.refusals:
            places.setdefault(refusal.words, []).append(refusal.place)
        for words, where in places.items():
            named = list(filter(None, where))
            left = len(named) - _PLACES
            more = [f"{left} other{'s' if left > 1 else ''}"] if left > 0 else []
            head = "- "
            for place in (*named[:_PLACES], *more):
                lines += _wrapped(place, head, " " * 8)
                head = "  "
            lines += _wrapped(words, "    " if named else head, "    ")
        return "\n".join(lines)


_PLACES = 12
"""So many places of one reason are listed; `CompileError.refusals` has all."""


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return wrap(
        text,
        80,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


class InternalError(SignbitError):
    """A part of signbit has made something that cannot be right: a mistake of signbit's own."""


class InputError(SignbitError, ValueError):
    """An array given to an engine or a layer has the wrong shape, dtype or values."""


class DataError(SignbitError):
    """A data source is missing, empty or unreadable."""


class RecipeError(SignbitError):
    """A recipe or an override has an unknown key or a bad value."""


class ConfigError(SignbitError):
    """The user's configuration file cannot be read, or has an unknown key or a wrong value."""


class CheckpointError(SignbitError):
    """A run folder or checkpoint is missing, damaged or belongs to another recipe."""


class DivergedError(SignbitError):
    """Training produced a loss or a weight that is NaN or infinite."""


class LostProcessError(SignbitError):
    """Another process of the same training was killed, failed or stopped answering."""


class IsaError(SignbitError):
    """The instruction set asked for is unknown, or the CPU or the OS lacks it."""


class MissingExtraError(SignbitError, ImportError):
    """A feature needs an extra (`cli`, `train`, `plot`, `onnx`, `keras`, `hub`) that is missing."""

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
