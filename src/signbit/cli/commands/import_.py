"""`signbit import`: a network that others trained becomes a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Json, folder_to_write
from signbit.errors import UsageError

if TYPE_CHECKING:
    from signbit.training import Run

__all__ = ["import_"]


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    """0.5 or 0.485,0.456,0.406. Raises UsageError for anything else."""
    try:
        return None if text is None else tuple(float(each) for each in text.split(","))
    except ValueError:
        raise UsageError(f"{option} must be numbers with commas between, is {text!r}") from None


def import_(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.onnx",
            help="A published network, such as real-resnet20 (an unknown name lists them all), or "
            "an ONNX or QONNX file of any other.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="RUN", parser=folder_to_write, help="The run folder to write."
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="The published network's file."
        ),
    ] = None,
    data: Data = None,
    mean: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS",
            help="Of ONNX: what is subtracted from pixels of 0 to 1, as 0.5 or 0.49,0.46,0.41.",
        ),
    ] = None,
    std: Annotated[
        str | None,
        typer.Option(metavar="NUMBERS", help="Of ONNX: what they are then divided by."),
    ] = None,
    raw_pixels: Annotated[
        bool, typer.Option("--raw-pixels", help="Of ONNX: it reads pixels from 0 to 255.")
    ] = False,
    input_size: Annotated[
        tuple[int, int] | None,
        typer.Option(
            metavar="H W", help="Of ONNX: height and width, where the file leaves them open."
        ),
    ] = None,
    sign_of_zero: Annotated[
        int,
        typer.Option(
            min=0,
            max=1,
            help="Of ONNX: what its operation Sign shall make of 0, 0 as ONNX has it (two bits) "
            "or 1 (one bit).",
        ),
    ] = 0,
    json: Json = False,
) -> None:
    """Import a network that others trained, as a run folder.

    A published one by name and file: every name and shape in the file is checked against the
    network, and the first difference ends it. Or any ONNX or QONNX file: what in it has no
    counterpart here is refused, all at once.
    Commands that take a run take the result; training goes on from it with [bold]start=RUN[/].

    Example: [bold]signbit import real-resnet20 resnet20.safetensors --out runs/real[/]
    Example: [bold]signbit import tfc.onnx --data mnist --out runs/tfc[/]
    """
    from signbit.exchange import published
    from signbit.exchange.onnx.reading import import_onnx

    of_onnx = {"mean": mean, "std": std, "input_size": input_size}
    given = [key for key, value in of_onnx.items() if value is not None]
    given += ["raw_pixels"] * raw_pixels + ["sign_of_zero"] * bool(sign_of_zero)
    is_file = file is None and (Path(name).is_file() or name.lower().endswith(".onnx"))
    if given and not is_file:
        option = f"--{given[0].replace('_', '-')}"
        raise UsageError(f"{option} is for ONNX files; a published network has its own")
    run: Run
    with console.figures_only():
        if is_file:
            origin = Path(name).name
            run = import_onnx(
                name,
                out,
                data=data,
                mean=_numbers("--mean", mean),
                std=_numbers("--std", std),
                raw_pixels=raw_pixels,
                input_size=input_size,
                sign_of_zero=sign_of_zero,
                say=console.say,
            )
        else:
            origin = published.get(name).source
            if file is None:
                raise UsageError(f"{name}: name its file, too: signbit import {name} FILE -o RUN")
            run = published.import_network(name, file, out, data=data)
    figures = {
        "run": str(run.path),
        "origin": origin,
        "network": run.recipe.network,
        "method": run.recipe.method.name,
        "class_count": len(run.class_names),
        "trained_parameters": sum(parameter.numel() for parameter in run.model.parameters()),
    }
    console.publish(figures, [console.figures_table(name, figures)], as_json=json)
    console.say(f"next: {console.command('evaluate', out)}")
    console.say(f"or:   {console.command('compile', out, '-o', 'model.sbnn')}")
