"""`signbit curves`: how runs went, epoch by epoch, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Json
from signbit.errors import InputError
from signbit.files import require_writable

__all__ = ["curves"]


def curves(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", exists=True, file_okay=False, help="Run folders."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PLOT.png", help="The picture to write.")
    ],
    json: Json = False,
) -> None:
    """Draw what runs recorded of every epoch: one panel per measure, one line per run.

    Losses and top-1; for a run without labels also how near its distributions come to the
    teacher's (KL, share of the same largest dimension) and whether it collapses (standard deviation
    and effective rank of the embedding). Runs may be unfinished; stages follow one another.

    Example: [bold]signbit curves runs/a runs/b -o curves.png[/]
    """
    from signbit.training.reports.curves import draw, read_curves

    require_writable(output)
    if output.suffix.lower() != ".png" and (output.is_file() or not output.exists()):
        raise InputError(f"{output}: -o names a .png file")
    read = {str(run): read_curves(run) for run in runs}
    draw(list(read.values()), output)
    epochs = {run: len(curves.epochs) for run, curves in read.items()}
    figures = {
        "plot": str(output),
        "runs": [{"run": run, "epochs": count} for run, count in epochs.items()],
    }
    rows: list[list[object]] = [[run, count] for run, count in epochs.items()]
    console.publish(figures, [console.table("drawn", ["run", "epochs"], rows)], as_json=json)
    console.say(f"{output}: written")
