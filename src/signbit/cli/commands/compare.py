"""`signbit compare`: methods under one protocol, in a table and a plot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Json, folder_to_write
from signbit.errors import RecipeError

if TYPE_CHECKING:
    from signbit.training import Recipe
    from signbit.training.reports.comparison.table import Row

__all__ = ["compare"]


def compare(
    methods: Annotated[
        list[str],
        typer.Argument(
            metavar="METHOD|KEY=VALUE",
            help="Methods, each perhaps with parameters (sdbnn:asd=false,wsd=false); then values "
            "of the protocol to change, and seeds=S for seeds 0 … S − 1.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", parser=folder_to_write, help="The comparison to write or resume."
        ),
    ],
    network: Annotated[
        str | None, typer.Option(help="The network; default: the protocol's.")
    ] = None,
    data: Data = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE",
            help="All but method and seed come from this recipe; default: comparison-digits for "
            "small gray images, for all others comparison-cifar10.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Train methods under one protocol, and write what each of them reached.

    Leaves DIR/table.md, for papers DIR/table.tex, for programs DIR/table.csv and DIR/table.json,
    DIR/plot.png, and a run folder for every method and seed.
    The same command goes on where it was stopped; another one with the same DIR and protocol adds
    methods or seeds, and the table is of all of them.

    Example: [bold]signbit compare bnn sdbnn --protocol bnn-digits --out runs/c epochs=2[/]
    """
    # First, so that nothing is trained where plots cannot be drawn.
    from signbit.training.reports.comparison.plot import draw
    from signbit.training.reports.comparison.protocol import fitting_protocol, misfit
    from signbit.training.reports.comparison.runs import Contender, finished_runs, unfinished_runs
    from signbit.training.reports.comparison.runs import compare as compare_methods
    from signbit.training.reports.comparison.table import (
        as_csv,
        as_json,
        as_latex,
        as_markdown,
        rows_of,
    )
    from signbit.training.runs.whole_files import write_text, writing

    names = [word for word in methods if ":" in word.partition("=")[0] or "=" not in word]
    overrides = [word for word in methods if word not in names]
    if not names:
        raise typer.BadParameter("name at least one method, such as sdbnn")
    contenders = [Contender.parse(name) for name in names]
    with console.figures_only():
        protocol = protocol or fitting_protocol(data)
        recipe, seeds = _protocol(protocol, network, data, overrides)
        if data is not None and (found := misfit(recipe)) is not None:
            console.say(
                f"{protocol} does not fit {data}: {found}; --network, --protocol and KEY=VALUE "
                "choose otherwise"
            )
    rows: list[Row] = []

    def write() -> None:
        if not console.is_first_process():
            return
        runs = finished_runs(out)
        if not runs:
            return
        rows[:] = rows_of(runs)
        with writing(out):
            write_text(out / "table.md", as_markdown(rows, recipe))
            write_text(out / "table.tex", as_latex(rows, recipe))
            write_text(out / "table.csv", as_csv(rows))
            write_text(out / "table.json", as_json(rows, recipe))
            draw(runs, out / "plot.png")

    with console.figures_only():
        diverged = compare_methods(
            contenders, recipe, seeds, out, say=console.say, after_each=write
        )
    figures = {
        "rows": [row.to_dict() for row in rows],
        "diverged": diverged,
        "table": str(out / "table.md"),
        "plot": str(out / "plot.png"),
    }
    console.publish(figures, [_table(rows)], as_json=json)
    for line in (*diverged, *unfinished_runs(out)):
        console.say(f"not in the table: {line}", problem=True)


def _protocol(
    name: str, network: str | None, data: str | None, overrides: list[str]
) -> tuple[Recipe, range]:
    """The recipe that all methods share, and the seeds."""
    from signbit import recipes
    from signbit.training.recipe.parsing import kept

    counts: set[int] = set()
    for word in list(overrides):
        key, _, value = word.partition("=")
        if key in ("method", "seed", "network") or key.startswith("method."):
            raise RecipeError(
                f"{word}: methods are arguments (METHOD:KEY=VALUE), --network names the network, "
                "and seeds=S says how many seeds"
            )
        if key == "seeds":
            if not value.isdigit() or int(value) < 1:
                raise RecipeError(f"{word}: seeds is how many, 1 or more")
            counts.add(int(value))
            overrides.remove(word)
    if len(counts) > 1:
        raise RecipeError(f"seeds is given as {' and '.join(map(str, sorted(counts)))}; keep one")
    recipe = recipes.load(name, kept(overrides))
    if recipe.selfsup is not None:
        raise RecipeError(f"{name}: methods are compared by labels; take a recipe without selfsup")
    if network is not None:
        recipe = recipe.model_copy(update={"network": network})
    if data is not None:
        section = recipe.data.model_copy(update={"source": data})
        recipe = recipe.model_copy(update={"data": section})
    return recipe, range(max(counts, default=1))


def _table(rows: list[Row]) -> console.Titled:
    lines = [
        [
            row.label,
            len(row.seeds),
            console.percent(row.mean),
            "" if row.std is None else f"± {100 * row.std:.2f}",
            row.train_loss,
            row.seconds,
        ]
        for row in rows
    ]
    columns = ["method", "seeds", "top-1", "", "train loss", "s/epoch"]
    return console.table("last epoch, all test images", columns, lines)
