"""`signbit finetune`: a run's whole network learns on, from few labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import (
    Data,
    Json,
    Overrides,
    RunFolder,
    UnreadableImages,
    folder_to_write,
)

__all__ = ["finetune"]


def finetune(
    run: RunFolder,
    labels: Annotated[
        float, typer.Option(help="Share of every class's labels that is learned, 0.01 for 1 %.")
    ],
    overrides: Overrides = None,
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            parser=folder_to_write,
            help="The run folder to write or resume; default: RUN/finetune-LABELS.",
        ),
    ] = None,
    unreadable: UnreadableImages = None,
    json: Json = False,
) -> None:
    """Train a run's whole network with labels: of all images, or of a share of every class.

    The network begins with the run's backbone and a new classifier. Where learning without labels
    was good, 1 % or 10 % of the labels go far. The result is a run folder as from
    [bold]signbit train[/]; the same command started again goes on after the last finished epoch.

    Example: [bold]signbit finetune runs/b --labels 0.1 epochs=2[/]
    """
    from signbit.selfsup.evaluation.finetune import finetune as finetune_run
    from signbit.training.recipe.parsing import kept

    folder = out or run / f"finetune-{labels:g}"
    with console.figures_only():
        result = finetune_run(
            run,
            folder,
            data=data,
            labels=labels,
            overrides=kept(overrides or []),
            unreadable=unreadable,
        )
    figures = {
        "run": str(result.path),
        "labels": labels,
        "top1": result.top1,
        "loss": result.loss,
        "epochs": result.epochs,
        "resumed_from": result.resumed_from,
        "seconds": result.seconds,
    }
    console.publish(figures, [console.figures_table(f"{run}, fine-tuned", figures)], as_json=json)
    console.say(f"next: {console.command('compile', folder, '-o', 'model.sbnn')}")
