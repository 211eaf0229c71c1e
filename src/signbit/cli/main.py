"""The entry point: runs one command and turns a user's mistake into one line and an exit code.

Imports nothing but signbit.errors and the standard library, so that a missing `cli` extra is one
line as well.
"""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
from collections.abc import Sequence

from signbit.cli import as_json, streams
from signbit.cli.levels import Level, level, set_level
from signbit.errors import MissingExtraError, SignbitError
from signbit.printable import printable

__all__ = ["BUG", "CUT_OFF", "DONE", "INTERRUPTED", "MISTAKE", "PROBLEMS", "main", "run"]

DONE, PROBLEMS, MISTAKE, BUG, INTERRUPTED, CUT_OFF = 0, 1, 2, 70, 130, 141
"""Exit codes; docs/commands.md says what they mean."""

GO_ON = (
    "interrupted; the same command again goes on from the last finished epoch "
    "(train, pretrain, compare, demo) or starts over (all others)"
)


def main() -> int:
    """Run the command in sys.argv and return its exit code; a bug traces, and is exit code 70."""
    try:
        return run()
    except Exception as error:
        traceback.print_exc()
        said = traceback.format_exception_only(error)[-1].strip()
        return _failed(sys.argv[1:], error, _said(f"error: a bug of signbit: {said}"), BUG)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command in `arguments` (default: sys.argv) and return its exit code.

    0: done; 1: done, and found problems; 2: a user's mistake, told in one line on stderr; 130:
    interrupted; 141: nobody reads any more what is printed. Whatever else is raised is a bug of
    signbit, and is raised on.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    streams.open_closed_ones()
    _print_what_the_terminal_can()
    try:
        with streams.stdout_by_name():
            return _run(words)
    except (OSError, SystemExit) as error:
        # Of a broken pipe typer makes an exit.
        fault = error.__context__ if isinstance(error, SystemExit) else error
        if not isinstance(fault, OSError):
            raise
        if isinstance(fault, BrokenPipeError) and fault.filename in (None, streams.STDOUT):
            return CUT_OFF
        _said(f"error: {fault.filename}: {fault.strerror}")
        return MISTAKE
    finally:
        set_level(Level.NORMAL)  # for a host that runs several commands


def _run(words: list[str]) -> int:
    try:
        if words == ["--version"]:  # without the libraries of the commands: at once
            return _print_version()
        from signbit.cli.app import invoke

        return invoke(words)
    except KeyboardInterrupt as interrupt:
        return _failed(words, interrupt, _said(GO_ON), INTERRUPTED)
    except SignbitError as error:
        return _failed(words, error, _said(f"error: {error}"), MISTAKE)
    except ModuleNotFoundError as error:
        missing = _missing_extra(error)
        return _failed(words, missing, _said(f"error: {missing}"), MISTAKE)
    except OSError as error:
        if error.filename == streams.STDOUT or isinstance(error, BrokenPipeError):
            raise
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return _failed(words, error, _said(f"error: {reason}"), MISTAKE)


def _print_what_the_terminal_can() -> None:
    """A character that an ASCII terminal lacks becomes "?", instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _print_version() -> int:
    import signbit

    print("signbit", signbit.__version__)
    return DONE


def _failed(words: Sequence[str], error: BaseException, message: str, code: int) -> int:
    """Tell a program, where one asked, that the command failed; the exit code."""
    if as_json.is_wanted(words):
        kind = type(error).__name__
        as_json.print_json({"error": {"kind": kind, "message": message, "exit_code": code}})
    return code


def _said(message: str) -> str:
    """The message, on stderr: a list as it is, all else in one line; without the first word.

    With --verbose it stands behind the traceback of the error that is handled.
    """
    text = message if "\n- " in message else " ".join(message.split())
    text = "\n".join(map(printable, text.split("\n")))
    with contextlib.suppress(OSError):  # a stderr that takes nothing
        if level() is Level.VERBOSE:
            traceback.print_exc()
        print("signbit:", text, file=sys.stderr)
    return text.removeprefix("error: ")


def _missing_extra(error: ModuleNotFoundError) -> MissingExtraError:
    """The extra that would have brought the module; a module of no extra is a bug, raised again."""
    try:
        return MissingExtraError.of((error.name or "").partition(".")[0], "this command")
    except KeyError:
        raise error from None
