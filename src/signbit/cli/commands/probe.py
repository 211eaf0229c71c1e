"""`signbit probe`: how good a frozen backbone's features are, by a linear classifier on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Json, RunFolder, UnreadableImages, folder_to_write

__all__ = ["probe"]

Labels = Annotated[
    float, typer.Option(help="Share of the labels that is learned from, 0.01 for 1 %.")
]


def probe(
    run: RunFolder,
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            parser=folder_to_write,
            help="Where to write the probe; default: RUN/probe-NAME of the data, and -LABELS.",
        ),
    ] = None,
    lr: Annotated[
        list[float] | None,
        typer.Option(help="Learning rate, 0.1 by default; give it several times to compare some."),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the linear classifier.")] = 100,
    batch: Annotated[int, typer.Option(min=1, help="Images per step.")] = 256,
    labels: Labels = 1.0,
    augment: Annotated[
        bool, typer.Option("--augment", help="Crop and mirror anew in every epoch: much slower.")
    ] = False,
    split: Annotated[
        str | None,
        typer.Option(help="The test images' split; default: as the run has it, or test."),
    ] = None,
    unreadable: UnreadableImages = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, order and labels.")] = 0,
    json: Json = False,
) -> None:
    """Train a linear classifier on a run's frozen backbone, and measure its top-1 and top-5.

    The backbone stays as it is, in evaluation mode. Features are computed once. With --data the
    classifier learns other images than the run did (transfer), scaled to the network's input.
    Several --lr are compared on a tenth of the training images; test images choose nothing.

    Example: [bold]signbit probe runs/b --lr 0.1 --lr 1[/]
    """
    from signbit.data.sources.any_source import absolute_source
    from signbit.selfsup.evaluation.linear import ProbePlan
    from signbit.selfsup.evaluation.probe import require_folder, save_probe, train_probe
    from signbit.selfsup.trained import load_backbone_run

    plan = ProbePlan(epochs, batch, tuple(lr or (0.1,)), seed)
    with console.figures_only():
        trained = load_backbone_run(run)
        source = data or trained.recipe.data.source
        name = Path(absolute_source(source)).name
        share = "" if labels == 1 else f"-{labels:g}"
        folder = out or run / f"probe-{name or 'data'}{share}"
        if require_folder(folder, source):
            console.say(f"{folder}: the probe there will be replaced; --out FOLDER keeps both")
        found = train_probe(
            trained,
            plan,
            data=data,
            test_split=split,
            labels=labels,
            augment=augment,
            unreadable=unreadable,
            say=console.say,
        )
        save_probe(found, folder)
    facts = found.facts
    figures: dict[str, object] = {
        "run": str(run),
        "probe": str(folder),
        "data": facts["data"],
        "top1": facts["top1"],
        "top5": facts["top5"],
        "images": facts["test_images"],
        **{key: facts[key] for key in ("lr", "epochs", "width", "train_images")},
        "seconds": sum(facts["seconds"].values()),
    }
    shown = {**figures}
    if facts["top5"] is not None:
        shown["top5"] = console.percent(facts["top5"])
    tables = [console.figures_table(f"linear probe of {run} on {facts['data']}", shown)]
    if facts["trials"]:
        figures["trials"] = [
            {"lr": trial["rate"], "top1": trial["top1"]} for trial in facts["trials"]
        ]
        rows = [
            [
                f"{trial['rate']:g}",
                "diverged" if (top := trial["top1"]) is None else console.percent(top),
            ]
            for trial in facts["trials"]
        ]
        tables.append(
            console.table("learning rates, on training images held out", ["lr", "top-1"], rows)
        )
    console.publish(figures, tables, as_json=json)
    following = console.command("compile", run, "--probe", folder, "-o", "model.sbnn")
    console.say(f"next: {following}")
