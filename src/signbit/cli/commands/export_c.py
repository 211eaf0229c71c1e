"""`signbit export c`: a compiled network becomes C sources for a microcontroller."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import InputSize, Json, Model, folder_to_write
from signbit.words import counted

if TYPE_CHECKING:
    from signbit.targets.c import Project
    from signbit.targets.c.network import NodeFigures

__all__ = ["export_c"]


def export_c(
    model: Model,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FOLDER", parser=folder_to_write, help="The folder to write."
        ),
    ],
    namespace: Annotated[
        str,
        typer.Option(metavar="NAME", help="What the files and every public name begin with."),
    ] = "model",
    less_memory: Annotated[
        bool,
        typer.Option(
            "--less-memory", help="Compute nodes several times where that takes a smaller arena."
        ),
    ] = False,
    input_size: InputSize = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files of an earlier export there.")
    ] = False,
    json: Json = False,
) -> None:
    """Write C sources that compute the network with the engine's bits.

    They are C99 without heap and libraries: constants for flash, one piece of memory that the
    caller gives, and what the network uses, no more. A test program has one input and its answers.

    Example: [bold]signbit export c model.sbnn -o firmware[/]
    """
    from signbit.targets.c import generate, write
    from signbit.targets.folders import require_free

    require_free(out, overwrite=overwrite)
    project = generate(model, namespace, less_memory=less_memory, input_size=input_size)
    write(project, out, overwrite=overwrite)
    nodes = [
        {
            "name": node.name,
            "op": node.op,
            "arithmetic": _arithmetic(node),
            "operations": node.operations,
            "constant_bytes": node.constant_bytes,
            "written_bytes": node.written_bytes,
        }
        for node in project.nodes
    ]
    figures = {
        "model": str(model),
        "firmware": str(out),
        "files": sorted(project.files),
        "constant_bytes": project.constant_bytes,
        "arena_bytes": project.arena_bytes,
        "operations": sum(node.operations for node in project.nodes),
        "nodes": nodes,
    }
    columns = ["node", "operation", "computes in", "operations", "flash, B", "writes, B"]
    table = console.table(
        "what each node takes; what it writes shares memory",
        columns,
        [list(node.values()) for node in nodes],
        words=(0, 1, 2),
        names=True,
    )
    console.publish(figures, [*_verdict(project), table], as_json=json)
    console.say(f"next: {console.shell('make', '-C', out, 'test')}")


def _arithmetic(node: NodeFigures) -> str:
    if node.float_sums:
        return "floats"
    return "integers, then floats" if node.floats else "integers"


def _verdict(project: Project) -> list[str]:
    """What the network takes, which parts are floats, and how to do without."""
    behind = [node for node in project.nodes if node.floats and not node.float_sums]
    summing = [node for node in project.nodes if node.float_sums]
    said = [
        f"flash: {project.constant_bytes:,} bytes of constants, and its code",
        f"RAM: {project.arena_bytes:,} bytes of arena, beside inputs and outputs",
    ]
    if not summing and not behind:
        return [*said, "every node computes in integers"]
    summed = sum(node.operations for node in summing)
    share = summed / sum(node.operations for node in project.nodes)
    where = [f"{len(summing)} of {len(project.nodes)} nodes, {console.percent(share)} of the work"]
    if behind:
        where.append(f"what follows the integer sums of {counted(len(behind), 'other node')}")
    floats = ", and ".join(where if summing else where[1:])
    said.append(f"floats: {floats}; without an FPU each takes some hundred instructions")
    if any(node.op == "real_conv" and node.float_sums for node in project.nodes[:2]):
        said.append("cure: signbit compile --stem int16 makes the first layer whole numbers")
    return said
