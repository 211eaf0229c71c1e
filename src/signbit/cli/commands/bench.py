"""`signbit bench`: how long the engine takes on this machine."""

from __future__ import annotations

import math
import os
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import InputSize, Isa, Json, Model, Threads

__all__ = ["bench"]


def bench(
    model: Model,
    batch: Annotated[int, typer.Option(min=1, max=65536, help="Images per call.")] = 1,
    threads: Threads = None,
    isa: Isa = None,
    input_size: InputSize = None,
    runs: Annotated[int, typer.Option(min=1, help="Timed calls.")] = 50,
    per_node: Annotated[bool, typer.Option("--per-node", help="Time every node too.")] = False,
    json: Json = False,
) -> None:
    """Time a compiled network on this machine, on random images.

    Says the median of several calls after a few that warm up; --per-node shows where it goes, and
    the share of what this machine's cores can do at most (of plain xor + popcount + add for signs).

    Example: [bold]signbit bench model.sbnn --threads 1 --per-node[/]
    """
    import numpy as np

    import signbit
    from signbit.cli.scoring import time_calls
    from signbit.cli.tables.costs import cost_of_file
    from signbit.errors import InputError

    engine = signbit.load(model, threads=threads, isa=isa, input_size=input_size)
    item_bytes = {"image": 1, "real": 4}
    needed = sum(batch * math.prod(each.shape) * item_bytes[each.kind] for each in engine.inputs)
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > free:
        raise InputError(
            f"--batch {batch}: the inputs alone take {console.compact(needed, 'B')}, "
            f"{console.compact(free, 'B')} of memory are free; use a smaller batch"
        )
    rng = np.random.default_rng(0)
    given = {
        each.name: rng.integers(0, 256, (batch, *each.shape), dtype=np.uint8)
        if each.kind == "image"
        else rng.standard_normal((batch, *each.shape), np.float32)
        for each in engine.inputs
    }
    timing = time_calls(engine, given, runs)
    figures: dict[str, object] = {
        "median_ms": timing.median,
        "min_ms": min(timing.milliseconds),
        "max_ms": max(timing.milliseconds),
        "images_per_s": 1000 * batch / timing.median,
        "batch_size": batch,
        "input_size": list(engine.input_shape[:2]),
        "threads": engine.threads,
        "isa": engine.isa,
        "calls": runs,
    }
    tables = [console.figures_table(str(model), figures)]
    figures = {"model": str(model), **figures}
    if per_node:
        nodes = engine.explain(given)
        layers = cost_of_file(model)[1].layers
        figures["nodes"] = [
            {**node, "bytes": layer.bytes} for node, layer in zip(nodes, layers, strict=True)
        ]
        columns, rows = list(nodes[0]), [list(node.values()) for node in nodes]
        tables.append(console.table("per node", columns, rows, words=(0, 1, 2), names=True))
    console.publish(figures, tables, as_json=json)
