"""`signbit publish`: a run becomes a folder as the Hugging Face Hub lays it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Json, License, RunFolder, folder_to_write

__all__ = ["publish"]


def publish(
    run: RunFolder,
    to: Annotated[
        Path, typer.Option(metavar="FOLDER", parser=folder_to_write, help="The folder to write.")
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="What the card's examples call it on the Hub."),
    ] = None,
    license: License = None,
    data: Data = None,
    images: Annotated[
        int, typer.Option(min=1, help="The most labelled images to answer, evenly chosen.")
    ] = 10_000,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files of an earlier one there.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a folder that can be uploaded to the Hugging Face Hub as it is; nothing is sent.

    A card with metadata, the weights, the compiled network, the recipe without the paths of this
    machine, and the report. From the Hub, signbit.load("hub:OWNER/NAME") runs the network, and a
    recipe's start=hub:OWNER/NAME begins with its weights.

    Example: [bold]signbit publish runs/a --to published --license Apache-2.0[/]
    """
    from signbit.cli.commands.report import Asked, made, of_run
    from signbit.errors import InputError
    from signbit.hub import require_name
    from signbit.report.published import model_folder
    from signbit.targets.folders import require_free, write_folder
    from signbit.training.runs.folder import read_run

    require_free(to, overwrite=overwrite)
    if name is not None:
        require_name(f"hub:{name}", InputError)
    with console.figures_only():
        stored = read_run(run)
        subject = of_run(run, Asked(data, None, None, images, None, None))
        findings, _, page = made(name or run.resolve().name, subject, license)
        files = model_folder(
            findings,
            page,
            subject.data,
            stored.checkpoint.model,
            stored.recipe,
            subject.facts or {},
            name=name,
        )
        write_folder(to, files, overwrite=overwrite)
    size = sum(map(len, files.values()))
    scores = findings.scores
    figures = {
        "run": str(run),
        "published": str(to),
        "files": sorted(files),
        "package_bytes": size,
        "images": 0 if subject.images is None else len(subject.images),
        "top1": None if scores is None else scores.top1,
    }
    said = f"{to}: {len(files)} files, {console.compact(size, 'B')}"
    console.publish(figures, [said], as_json=json)
    if "license" not in subject.engine.source and license is None:
        console.say("it states no licence, so nobody may use it: --license Apache-2.0, or another")
    console.say(f"next: {console.shell('hf', 'upload', name or 'OWNER/NAME', to)}")
