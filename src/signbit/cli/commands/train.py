"""`signbit train`: a recipe and images in, a run folder out."""

from __future__ import annotations

from signbit.cli import console
from signbit.cli.arguments import Data, Json, Overrides, RecipeName, RunToWrite

__all__ = ["train"]


def train(
    recipe: RecipeName,
    out: RunToWrite,
    overrides: Overrides = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Train a binary network by a recipe, into a run folder.

    Own photos: start from any *-cifar10 recipe and name a folder with --data,
    either train/CLASS/*.jpg and test/CLASS/*.jpg (or val/), or CLASS/*.jpg, of
    which 20 % of every class is held out for the test. Images are scaled to the
    network's input, 32×32 in the *-cifar10 recipes.

    Values of the recipe are changed by KEY=VALUE, with a dot inside a section:
    epochs=12 optimizer.lr=0.05; [bold]signbit recipes RECIPE[/] shows all keys.

    The same command started again goes on after the last finished epoch.

    Example: [bold]signbit train sdbnn-digits --out runs/a epochs=2[/]
    Example: [bold]signbit train bnn-resnet20-cifar10 --data photos --out mine epochs=1[/]
    """
    from signbit import recipes
    from signbit.training import train as train_recipe
    from signbit.training.recipe.parsing import kept

    chosen = recipes.load(recipe, kept(overrides or []))
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
    console.say(f"next: {console.command('compile', out, '-o', 'model.sbnn')}")
