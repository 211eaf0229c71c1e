"""`signbit recipes`: the training runs that ship with signbit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Json

if TYPE_CHECKING:
    from signbit.training import Recipe

__all__ = ["recipes"]


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="A recipe to print in full.")
    ] = None,
    json: Json = False,
) -> None:
    """List the recipes, or print one with every value that it sets.

    What is printed can be saved, changed and given to [bold]signbit train[/] as a file.

    Example: [bold]signbit recipes sdbnn-digits[/]
    """
    from signbit import recipes as shelf

    if name is None:
        found = {each: shelf.load(each) for each in shelf.names()}
        rows = [[each, recipe.description] for each, recipe in found.items()]
        figures = [_figures(each, recipe) for each, recipe in found.items()]
        tables = [console.table("recipes", ["name", "what it trains"], rows, words=(0, 1))]
        console.publish({"recipes": figures}, tables, as_json=json)
    elif json:
        console.publish(_figures(name, shelf.load(name)), [], as_json=True)
    else:
        print(shelf.text(name), end="")


def _figures(name: str, recipe: Recipe) -> dict[str, object]:
    return {"recipe": name, "values": recipe.model_dump(mode="json")}
