"""`signbit pretrain`: a recipe and images without labels in, a run folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Json, folder_to_write

__all__ = ["pretrain"]


def pretrain(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="A name from `signbit recipes`, or a YAML file."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="RUN", parser=folder_to_write, help="The run folder to write or resume."
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE", help="Values to change, such as epochs=12 optimizer.lr=0.05."
        ),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Train a binary network without labels, by a recipe that has a section selfsup.

    Contrastive learning (MoCo v2), the guidance of a real network that learned without labels
    itself (S2-BNN), or both. The labels of the training images are not learned from; after an
    epoch, nearest neighbours measure how well the features tell the classes apart.

    The same command started again goes on after the last finished epoch.

    Example: [bold]signbit pretrain moco-cifar10 --data path/to/cifar10 --out runs/teacher[/], then
    [bold]signbit pretrain s2bnn-guided-cifar10 --data path/to/cifar10 --out runs/a
    selfsup.guided.teacher=runs/teacher[/]
    """
    from signbit import recipes
    from signbit.selfsup.pretrain import pretrain as pretrain_recipe

    chosen = recipes.load(recipe, overrides or [])
    with console.figures_only():
        result = pretrain_recipe(chosen, data, out)
    figures = {
        "run": str(result.path),
        "knn_top1": result.knn_top1,
        "epochs": result.epochs,
        "resumed_from": result.resumed_from,
        "seconds": result.seconds,
    }
    console.publish(figures, [console.figures_table(recipe, figures)], as_json=json)
    console.say(f"next: signbit probe {out}")
