"""What every command gets beside its own options, and help that flows.

The options: `--import`, `--quiet`, `--verbose`.
"""

from __future__ import annotations

import functools
import inspect
import logging
import time
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from signbit.cli import console
from signbit.cli.levels import Level, set_level
from signbit.extensions import import_file

__all__ = ["Command", "Group", "as_command"]

Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print results and errors alone: no progress, no hints."),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Also print all warnings, how many seconds have passed at each line, the most memory "
        "that was taken, and the traceback of an error.",
    ),
]

Import = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        metavar="FILE.py",
        help="A Python file of yours that registers methods, models or data sources; it is "
        "executed first, with all that you may do. Again for each file.",
    ),
]


class Command(TyperCommand):
    """A command whose help shows no type of flags."""

    def get_params(self, ctx: Any) -> Any:
        return _without_types_of_flags(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands whose own help shows no type of flags."""

    def get_params(self, ctx: Any) -> Any:
        return _without_types_of_flags(super().get_params(ctx))


def _without_types_of_flags(parameters: list[Any]) -> list[Any]:
    """`--json <bool>` would say that a value follows."""
    for each in parameters:
        if getattr(each, "is_flag", False):
            each.metavar = ""
    return parameters


def as_command(function: Callable[..., None]) -> Callable[..., None]:
    """The function with the options that every command has, as typer takes it."""

    @functools.wraps(function)
    def command(*, imports: list[str] | None, quiet: bool, verbose: bool, **options: Any) -> None:
        if quiet and verbose:
            raise typer.BadParameter("--quiet and --verbose exclude each other; keep one")
        set_level(Level.QUIET if quiet else Level.VERBOSE if verbose else Level.NORMAL)
        if not verbose:
            _run(function, imports, options)
            return
        logging.basicConfig(level=logging.INFO)
        start = time.monotonic()
        with warnings.catch_warnings(), console.since(start):
            warnings.simplefilter("default")
            _run(function, imports, options)
            console.say(f"done; {console.compact(_most_memory(), 'B')} of memory at most")

    own = inspect.signature(function, eval_str=True).parameters.values()
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, kind, default in (
            ("imports", Import, None),
            ("quiet", Quiet, False),
            ("verbose", Verbose, False),
        )
    ]
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*own, *more)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__ = _flowing(inspect.getdoc(function) or "")
    return command


def _run(function: Callable[..., None], imports: list[str] | None, options: dict[str, Any]) -> None:
    with console.figures_only():
        for file in imports or ():
            import_file(file)
    function(**options)


def _flowing(text: str) -> str:
    """The text without the line breaks of the source, so that it fills any terminal's lines."""
    paragraphs = []
    for paragraph in text.split("\n\n"):
        first, *more = paragraph.splitlines()
        lines = [first]
        for line in more:
            if line.startswith("Example:"):
                lines.append(line)
            else:
                lines[-1] += f" {line}"
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def _most_memory() -> int:
    """Bytes that this process took at most."""
    import resource

    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
