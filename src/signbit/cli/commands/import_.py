"""`signbit import`: a network that others trained becomes a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Json, folder_to_write

__all__ = ["import_"]


def import_(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A published network, such as real-resnet20; an unknown name lists them all.",
        ),
    ],
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A .safetensors file."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="RUN", parser=folder_to_write, help="The run folder to write."
        ),
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Import a network that others trained and published, as a run folder.

    Every name and shape in the file is checked against the network; the first difference ends it.
    Commands that take a run take the result; training goes on from it with [bold]start=RUN[/].

    Example: [bold]signbit import real-resnet20 resnet20.safetensors --out runs/real[/]
    """
    from signbit.exchange import published

    with console.figures_only():
        run = published.import_network(name, file, out, data=data)
    figures = {
        "run": str(run.path),
        "origin": published.get(name).source,
        "network": run.recipe.network,
        "method": run.recipe.method.name,
        "class_count": len(run.class_names),
        "trained_parameters": sum(parameter.numel() for parameter in run.model.parameters()),
    }
    console.publish(figures, [console.figures_table(name, figures)], as_json=json)
    console.say(f"next: {console.command('evaluate', out)}")
    console.say(f"or:   {console.command('compile', out, '-o', 'model.sbnn')}")
