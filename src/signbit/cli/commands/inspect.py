"""`signbit inspect`: what a network is made of and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from signbit.cli import console
from signbit.cli.arguments import Json, is_run, what_it_is
from signbit.cli.tables.costs import cost_of_file, kinds_table, layers_table, totals_table
from signbit.cli.tables.photographs import in_words
from signbit.cli.tables.verdict import cost_lines, origin_line
from signbit.errors import InputError

if TYPE_CHECKING:
    from signbit.compiler.count import ModelCost
    from signbit.training.reports.sign_balance import SignBalance

__all__ = ["inspect"]


def inspect(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|MODEL.sbnn|NETWORK", help="A run folder, a compiled network, or a name."
        ),
    ],
    json: Json = False,
    method: Annotated[
        str | None,
        typer.Option(help="For the name of a network: the method of its layers, untrained."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=1, help="With --method: how many classes the network tells.")
    ] = None,
    training: Annotated[
        bool,
        typer.Option(
            "--training",
            help="What training the run keeps in memory for its backward pass, by layer; measured. "
            "And which layers train on native operations on a CPU, or why not.",
        ),
    ] = False,
) -> None:
    """Show what a network is, and every layer: shape, parameters, operations, why some are real.

    Of a run also how its signs were balanced after the network's epoch.

    OPs = FLOPs of the real layers + BOPs of the binary ones / 64, as the papers count.
    Bits are one for a binary parameter, 32 for a real one. A network that nobody has trained
    yet is named with its method and the number of its classes.

    Example: [bold]signbit inspect model.sbnn[/]
    Example: [bold]signbit inspect resnet18 --method bireal --classes 1000[/]
    """
    if training:
        from signbit.cli.training_view import show_training

        show_training(path, as_json=json)
        return
    signs: list[SignBalance] = []
    sizes: dict[str, object] = {}
    with console.figures_only():
        if method is not None:
            source, cost = _untrained(str(path), method, classes)
        elif classes is not None:
            raise InputError("--classes is for the name of a network; add --method")
        elif not path.exists():
            raise InputError(
                f"{path}: no such run folder or .sbnn file; for the name of a network add --method "
                "and --classes"
            )
        elif is_run(path):
            source, cost, signs = _run(path)
        else:
            source, cost, sizes = _model(path)
    what = "network" if method is not None else what_it_is(path)
    figures: dict[str, object] = {what: str(path), "source": source, **cost.to_dict(), **sizes}
    shown = [origin_line(str(path), source), *cost_lines(cost), ""]
    tables = [kinds_table(cost), layers_table(cost), totals_table(str(path), cost)]
    if sizes:
        tables.append(_sizes(sizes))
    if signs:
        figures["sign_balance"] = [
            {
                "name": balance.layer,
                "positive_weights": balance.weights,
                "positive_inputs": balance.inputs,
                "flipped_weights": balance.flips,
            }
            for balance in signs
        ]
        tables.append(_signs(signs))
    if source:
        rows = source.items()
        tables.append(console.table("where it came from", ["what", "value"], rows, words=(0, 1)))
    console.publish(figures, [*shown, *tables], as_json=json)


def _model(path: Path) -> tuple[Mapping[str, str], ModelCost, dict[str, object]]:
    """Notes of a file, what it costs at its own size, and which sizes it takes."""
    graph, cost = cost_of_file(path)
    sizes: dict[str, object] = {
        "inputs": [
            {
                "name": given.name,
                "kind": given.kind,
                "shape": list(given.shape),
                "photographs": None if given.resize is None else in_words(given.resize),
            }
            for given in graph.inputs
        ],
        "any_size": graph.any_size,
    }
    return graph.source, cost, sizes


def _sizes(sizes: Mapping[str, object]) -> console.Titled:
    inputs = cast("list[dict[str, Any]]", sizes["inputs"])
    rows: list[list[object]] = [
        [f"{given['name']}, {given['kind']}", "×".join(map(str, given["shape"]))]
        for given in inputs
    ]
    for given in inputs:
        if given["photographs"]:
            rows.append(["photographs", given["photographs"]])
    others = "any, with --input-size H W" if sizes["any_size"] else "none"
    return console.table(
        "inputs: height×width×channels",
        ["what", "value"],
        [*rows, ["other sizes", others]],
        words=(0, 1),
    )


def _run(path: Path) -> tuple[Mapping[str, str], ModelCost, list[SignBalance]]:
    from signbit.cli.runs import compile_run, deployed
    from signbit.training.reports.sign_balance import sign_balances
    from signbit.training.runs.best_epoch import kept_epoch
    from signbit.training.runs.folder import read_run

    # A run without labels has no classifier: its backbone is its network.
    features = read_run(path).recipe.selfsup is not None
    run = deployed(path, features=features, probe=None)
    compiled = compile_run(run.run, run.notes)
    # A network that was imported has no epochs behind it.
    history = run.run.history
    entry = history[kept_epoch(history) - 1] if history else {}
    return compiled.graph.source, compiled.cost, sign_balances(entry)


def _signs(balances: list[SignBalance]) -> console.Titled:
    rows = [
        [
            balance.layer,
            *(
                None if share is None else console.percent(share)
                for share in (balance.weights, balance.inputs, balance.flips)
            ),
        ]
        for balance in balances
    ]
    columns = ["layer", "weights +1", "inputs +1", "flipped"]
    title = "signs after the network's epoch, as the run recorded them"
    return console.table(title, columns, rows, names=True)


def _untrained(
    network: str, method: str, classes: int | None
) -> tuple[Mapping[str, str], ModelCost]:
    """A network by name, as it is when trained: no constant is left at a start that folds away."""
    import torch

    from signbit import methods, models
    from signbit.compiler import compile_model

    if classes is None:
        raise InputError(f"how many classes does {network} tell? add them, as in --classes 1000")
    model = models.build(network, methods.get(method), classes=classes, channels=3)
    with torch.no_grad():
        # Statistics stay as they are: behind them any sign is possible to the compiler.
        for values in model.parameters():
            if values.dim() == 1:
                values.uniform_(0.5, 1)
    height, width = cast("tuple[int, int]", model.input_size)
    compiled = compile_model(
        model.eval(),
        input_size=(height, width, 3),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        class_names=(),
        resize_shorter_side=height,
    )
    source = {"network": network, "method": method, "state": "untrained"}
    return source, compiled.cost
