"""`signbit train`: a recipe and images in, a run folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Json, folder_to_write

__all__ = ["train"]


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A name from `signbit recipes`, or a YAML file.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="RUN", parser=folder_to_write, help="The run folder to write or resume."
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Values to change, such as epochs=12."),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Train a binary network by a recipe, into a run folder.

    A run that was stopped goes on from its last finished epoch when the same command starts again.

    Example: [bold]signbit train sdbnn-resnet20-cifar10 --data cifar10 --out runs/a epochs=12[/]
    """
    from signbit import recipes
    from signbit.training import train as train_recipe

    chosen = recipes.load(recipe, overrides or [])
    with console.figures_only():
        result = train_recipe(chosen, data, out)
    figures = {
        "run": str(result.path),
        "top1": result.top1,
        "loss": result.loss,
        "epochs": result.epochs,
        "resumed_from": result.resumed_from,
        "seconds": result.seconds,
    }
    console.publish(figures, [console.figures_table(recipe, figures)], as_json=json)
    console.say(f"next: signbit compile {out} -o model.sbnn")
