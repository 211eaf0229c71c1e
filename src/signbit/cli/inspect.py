"""`signbit inspect`: what a network is made of and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Json, RunOrModel, is_run
from signbit.cli.costs import layers_table, totals_table
from signbit.errors import ModelFileError

if TYPE_CHECKING:
    from signbit.compiler.count import ModelCost

__all__ = ["inspect"]


def inspect(
    path: RunOrModel,
    json: Json = False,
    training: Annotated[
        bool,
        typer.Option(
            "--training",
            help="What training the run keeps in memory for its backward pass, by layer; measured.",
        ),
    ] = False,
) -> None:
    """Show every layer of a network: shape, parameters, operations, bytes, and why some are real.

    OPs = FLOPs of the real layers + BOPs of the binary ones / 64, as the papers count.

    Example: [bold]signbit inspect model.sbnn[/]
    """
    if training:
        from signbit.cli.training_memory import show_training_memory

        show_training_memory(path, as_json=json)
        return
    with console.figures_only():
        if is_run(path):
            source, cost = _run(path)
        else:
            source, cost = _model(path)
    figures = {"model": str(path), "source": source, **cost.to_dict()}
    tables = [layers_table(cost), totals_table(str(path), cost)]
    if source:
        rows = source.items()
        tables.append(console.table("where it came from", ["what", "value"], rows, words=(0, 1)))
    console.publish(figures, tables, as_json=json)


def _model(path: Path) -> tuple[dict[str, str], ModelCost]:
    from signbit.bitformat.container import decode
    from signbit.compiler.count import count

    data = path.read_bytes()
    try:
        graph, constants = decode(data)
    except ModelFileError as error:
        raise type(error)(f"{path}: {error}") from error
    return graph.source, count(graph, constants, len(data))


def _run(path: Path) -> tuple[dict[str, str], ModelCost]:
    from signbit.cli.runs import compile_run
    from signbit.compiler.count import count
    from signbit.training import load_run

    compiled = compile_run(load_run(path))
    return compiled.graph.source, count(compiled.graph, compiled.constants, len(compiled.data))
