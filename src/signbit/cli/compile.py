"""`signbit compile`: a trained network to a one-bit file, and the proof that they agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signbit.cli.arguments import Data, Json

__all__ = ["compile_"]


def compile_(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MODEL.sbnn", help="The file to write.")
    ],
    data: Data = None,
    images: Annotated[int, typer.Option(min=1, help="Images to compare both sides on.")] = 256,
    json: Json = False,
) -> None:
    """Compile a trained network to one bit, then run both sides on real images and compare.

    The images are the run's own test images, or those of --data.

    Example: [bold]signbit compile runs/a -o model.sbnn[/]
    """
