"""The entry point: runs one command and turns a user's mistake into one line and an exit code.

Imports nothing beyond signbit.errors, so that a missing `cli` extra is one line as well.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from signbit.errors import MissingExtraError, SignbitError

__all__ = ["run"]

DONE, MISTAKE, INTERRUPTED = 0, 2, 130

EXTRAS = {
    "cli": ("typer", "rich", "PIL"),
    "train": (
        "torch",
        "accelerate",
        "datasets",
        "pydantic",
        "yaml",
        "safetensors",
        "sklearn",
        "tensorboard",
        "torchmetrics",
    ),
    "plot": ("matplotlib",),
}


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command in `arguments` (default: sys.argv) and return its exit code.

    0: done; 2: a user's mistake, told in one line on stderr; 130: interrupted. Whatever else is
    raised is a bug of signbit and traces.
    """
    _print_what_the_terminal_can()
    try:
        from signbit.cli.app import invoke

        return invoke(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        return _interrupted()
    except SignbitError as error:
        return _mistake(str(error))
    except ModuleNotFoundError as error:
        return _mistake(str(_missing_extra(error)))
    except OSError as error:
        return _mistake(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _print_what_the_terminal_can() -> None:
    """A character that an ASCII terminal lacks becomes "?", instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _mistake(message: str) -> int:
    print("signbit: error:", " ".join(message.split()), file=sys.stderr)
    return MISTAKE


def _interrupted() -> int:
    print(
        "signbit: interrupted; the same command again goes on from the last finished epoch "
        "(train, pretrain, compare, demo) or starts over (all others)",
        file=sys.stderr,
    )
    return INTERRUPTED


def _missing_extra(error: ModuleNotFoundError) -> MissingExtraError:
    """The extra that would have brought the module; a module of no extra is a bug, raised again."""
    module = (error.name or "").partition(".")[0]
    for extra, modules in EXTRAS.items():
        if module in modules:
            return MissingExtraError(
                f"this command needs {module}, which is not installed; "
                f"pip install 'signbit[{extra}]' brings it"
            )
    raise error
