"""`signbit train`: a recipe and images in, a run folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Json, Overrides, RecipeName, RunToWrite
from signbit.cli.commands.compile import compile_
from signbit.cli.commands.report import report
from signbit.errors import MissingExtraError

__all__ = ["train"]

_PHOTOS = "photos"
_MODEL, _REPORT = "model.sbnn", "report.html"


def train(
    recipe: RecipeName,
    out: RunToWrite,
    overrides: Overrides = None,
    data: Data = None,
    deliver: Annotated[
        bool | None,
        typer.Option(
            "--deliver/--no-deliver",
            help=f"At the end also write RUN/{_MODEL}, compiled and compared, and RUN/{_REPORT}; "
            f"default: for the recipe {_PHOTOS}.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Train a binary network by a recipe, into a run folder.

    Own photos: the recipe [bold]photos[/], and a folder with --data, either
    train/CLASS/*.jpg and test/CLASS/*.jpg (and val/), or CLASS/*.jpg, of which
    20 % of every class is held out for the test. Other photos choose the best
    epoch, which is kept. start=RUN begins with a trained network, size=96 takes
    larger images; any *-cifar10 recipe takes such a folder too, at 32×32.

    Values of the recipe are changed by KEY=VALUE, with a dot inside a section:
    epochs=12 optimizer.lr=0.05; [bold]signbit recipes RECIPE[/] shows all keys.

    The same command started again goes on after the last finished epoch.

    Example: [bold]signbit train sdbnn-digits --out runs/a epochs=2[/]
    Example: [bold]signbit train photos --data photos --out mine epochs=2[/]
    """
    from signbit import recipes
    from signbit.training import train as train_recipe
    from signbit.training.recipe.parsing import kept

    chosen = recipes.load(recipe, kept(overrides or []))
    deliver = recipe == _PHOTOS if deliver is None else deliver
    if recipe == _PHOTOS and chosen.start is None:
        console.say(
            "photos: begins with random weights; where photographs are few, those of a trained "
            "network help most: start=RUN (docs/photographs.md)"
        )
    with console.figures_only():
        result = train_recipe(chosen, data, out)
        written = _delivered(out) if deliver and console.is_first_process() else {}
    figures = {
        "run": str(result.path),
        "top1": result.top1,
        "loss": result.loss,
        "epochs": result.epochs,
        "kept_epoch": result.kept,
        "resumed_from": result.resumed_from,
        "seconds": result.seconds,
        **written,
    }
    console.publish(figures, [console.figures_table(recipe, figures)], as_json=json)
    model = written.get("model")
    following = ("predict", Path(model)) if model else ("compile", out, "-o", _MODEL)
    console.say(f"next: {console.command(*following)}{' PHOTO.jpg' if model else ''}")


def _delivered(run: Path) -> dict[str, str]:
    """Compile the run and write its report, both into its folder; their paths by what they are."""
    model, page = run / _MODEL, run / _REPORT
    compile_(run, model)
    try:
        report(run, page)
    except MissingExtraError as error:
        console.say(f"no report: {error}")
        return {"model": str(model)}
    return {"model": str(model), "report": str(page)}
