"""Arguments that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from signbit.config import read_config
from signbit.errors import CheckpointError

__all__ = [
    "Data",
    "InputSize",
    "Isa",
    "Json",
    "Keep",
    "License",
    "Model",
    "Overrides",
    "RecipeName",
    "RunFolder",
    "RunOrModel",
    "RunToWrite",
    "Threads",
    "UnreadableImages",
    "folder_to_write",
    "is_run",
    "what_it_is",
]


def folder_to_write(text: str) -> Path:
    """The path in an --out; an empty one (an unset variable in a script) is no folder."""
    if not text.strip():
        raise typer.BadParameter("must name a folder; it is empty")
    return Path(text)


def _or_configured(threads: int | None) -> int | None:
    """The threads that are asked for, or else those of the user's configuration."""
    return threads or read_config().threads


Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        help="digits, a folder of images or Parquet files, or hub:OWNER/NAME.",
    ),
]
UnreadableImages = Annotated[
    Literal["skip", "refuse"] | None,
    typer.Option(
        "--unreadable",
        help="Images that cannot be decoded: leave them out, each of them named, or stop at the "
        "first; default: as in the run's recipe, or refuse where there is no run.",
    ),
]
RecipeName = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A name from `signbit recipes`, or a YAML file.")
]
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", exists=True, file_okay=False, help="A run folder.")
]
RunToWrite = Annotated[
    Path,
    typer.Option(metavar="RUN", parser=folder_to_write, help="The run folder to write or resume."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Values of the recipe to change, such as epochs=12 optimizer.lr=0.05.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        callback=_or_configured,
        help="Most threads of the engine; default: as `signbit config` says, the CPUs it may use.",
    ),
]
Isa = Annotated[
    str | None,
    typer.Option(
        help="scalar; avx2, avx512bw or avx512vpopcnt; neon or neon_dot; default: the CPU's best."
    ),
]
InputSize = Annotated[
    tuple[int, int] | None,
    typer.Option(
        "--input-size",
        metavar="H W",
        help="Height and width of the images, for a file that was compiled with --any-size.",
    ),
]
Model = Annotated[
    Path,
    typer.Argument(metavar="MODEL.sbnn", exists=True, dir_okay=False, help="A compiled network."),
]
RunOrModel = Annotated[
    Path,
    typer.Argument(metavar="RUN|MODEL.sbnn", help="A run folder or a compiled network."),
]

License = Annotated[
    str | None,
    typer.Option(
        help="What others may do with the network; default: as the recipe's license says."
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODULE",
        help="A module whose result is an output of the file, too; again for each one.",
    ),
]


def is_run(path: Path) -> bool:
    """Whether the path is a run folder (or else a file); CheckpointError where there is neither."""
    if not path.exists():
        raise CheckpointError(f"{path}: no such run folder or .sbnn file")
    return path.is_dir()


def what_it_is(path: Path) -> str:
    """The key of a path in JSON: `run` of a run folder, `model` of a compiled network."""
    return "run" if is_run(path) else "model"
