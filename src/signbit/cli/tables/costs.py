"""What a file costs, and the per-layer tables that `inspect` and `compile` print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from signbit.cli import console
from signbit.errors import ModelFileError

if TYPE_CHECKING:
    from signbit.bitformat.graph import Graph
    from signbit.compiler.count import LayerCost, ModelCost

__all__ = ["cost_of_file", "kinds_table", "layers_table", "totals_table"]

COLUMNS = ["layer", "op", "weights", "output", "binary", "real", "BOPs", "FLOPs", "OPs", "bytes"]


def cost_of_file(path: Path) -> tuple[Graph, ModelCost]:
    """The graph of a file, and its cost; a ModelFileError names the file."""
    from signbit.bitformat.container import decode
    from signbit.compiler.count import count

    data = path.read_bytes()
    try:
        graph, constants = decode(data)
    except ModelFileError as error:
        raise type(error)(f"{path}: {error}") from error
    return graph, count(graph, constants, len(data))


def layers_table(cost: ModelCost) -> console.Titled:
    """A row for each layer; nothing is printed where a figure is 0."""
    rows = [
        [
            layer.name,
            layer.op,
            "×".join(map(str, layer.weight)),
            "×".join(map(str, layer.output)),
            *(console.compact(figure) if figure else None for figure in _figures(layer)),
        ]
        for layer in cost.layers
    ]
    return console.table(
        "layers (binary, real: parameters)", COLUMNS, rows, words=(0, 1), names=True
    )


def kinds_table(cost: ModelCost) -> console.Titled:
    """A row for each layer with weights: binary, or real and why."""
    from signbit.compiler.report import layer_kinds

    columns = ["layer", "binary, or real and why"]
    return console.table("what is binary", columns, layer_kinds(cost), words=(0, 1), names=True)


def _figures(layer: LayerCost) -> tuple[float, ...]:
    parameters = layer.binary_parameters, layer.real_parameters
    return *parameters, layer.bops, layer.flops, layer.ops, layer.bytes


def totals_table(title: str, cost: ModelCost) -> console.Titled:
    """Sums over all layers, in full."""
    rows: list[list[object]] = [
        ["parameters", cost.parameters],
        ["of which binary", cost.binary_parameters],
        ["bits, 32 for each real one", cost.bits],
        ["bytes", cost.bytes],
        ["the same parameters in float32, bytes", cost.float32_bytes],
        ["BOPs per image", cost.bops],
        ["FLOPs per image", cost.flops],
        ["OPs = FLOPs + BOPs / 64", round(cost.ops)],
    ]
    return console.table(title, ["total", "figure"], rows)
