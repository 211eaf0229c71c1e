"""`signbit pretrain`: a recipe and images without labels in, a run folder out."""

from __future__ import annotations

from signbit.cli import console
from signbit.cli.arguments import Data, Json, Overrides, RecipeName, RunToWrite

__all__ = ["pretrain"]


def pretrain(
    recipe: RecipeName,
    out: RunToWrite,
    overrides: Overrides = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Train a binary network without labels, by a recipe that has a section selfsup.

    Contrastive learning (MoCo v2), the guidance of a real network that learned without labels
    itself (S2-BNN), or both. Images need no labels, and where they have some, these are not learned
    from: after an epoch, nearest neighbours measure how well the features tell the classes apart.

    The same command started again goes on after the last finished epoch.

    A teacher is named by its run: [bold]selfsup.guided.teacher=runs/teacher[/].

    Example: [bold]signbit pretrain moco-digits --out runs/b epochs=2[/]
    """
    from signbit import recipes
    from signbit.selfsup.pretraining import pretrain as pretrain_recipe
    from signbit.training.recipe.parsing import kept

    chosen = recipes.load(recipe, kept(overrides or []))
    with console.figures_only():
        result = pretrain_recipe(chosen, data, out)
    figures = {
        "run": str(result.path),
        "knn_top1": result.knn_top1,
        "epochs": result.epochs,
        "resumed_from": result.resumed_from,
        "seconds": result.seconds,
    }
    shown, labelled = dict(figures), ""
    if result.knn_top1 is None:
        shown["knn_top1"], labelled = "images have no labels, or one class", " --data LABELLED"
    console.publish(figures, [console.figures_table(recipe, shown)], as_json=json)
    console.say(f"next: {console.command('probe', out)}{labelled}")
