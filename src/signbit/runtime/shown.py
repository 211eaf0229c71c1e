"""How an engine, what its nodes took, and an answer show themselves in a notebook: as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signbit.html import shown

if TYPE_CHECKING:
    from signbit.runtime.engine import Engine
    from signbit.runtime.node_report import NodeReport
    from signbit.runtime.ports import Input, Output
    from signbit.runtime.prediction import Prediction

__all__ = ["engine_html", "nodes_html", "prediction_html"]


def engine_html(engine: Engine) -> str:
    """What goes in and comes out, what it runs on, and its nodes. Nothing is run for it."""
    facts = [(f"input {each.name}", _port(each)) for each in engine.inputs]
    for output in engine.outputs:
        classes = f", {len(output.classes)} classes" if output.classes else ""
        facts.append((f"output {output.name}", _port(output) + classes))
    facts += [("instruction set", engine.isa), ("threads at most", str(engine.threads))]
    facts += engine.source.items()
    rows = [
        (name, node["op"], node["kernel"], f"{node['bytes']:,}")
        for name, node in zip(engine._names, engine._model.nodes, strict=True)
    ]
    return shown("signbit.Engine", facts, ["node", "operation", "kernel", "bytes"], rows, numbers=1)


def nodes_html(nodes: list[NodeReport]) -> str:
    """A row for each node, with its time, and the sum of the times."""
    total = sum(node["ms"] for node in nodes)
    rows = [
        (
            node["name"],
            node["kernel"],
            str(node["threads"]),
            f"{node['memory_bytes']:,}",
            f"{node['ms']:.4f}",
            f"{node['ms'] / total:.0%}" if total else "",
            "" if node["share"] is None else f"{node['share']:.0%}",
        )
        for node in nodes
    ]
    heads = ["node", "kernel", "threads", "bytes", "ms", "of all", "of the limit"]
    title = f"{len(nodes)} nodes, {total:.4f} ms for an image"
    return shown(title, (), heads, rows, numbers=5)


def prediction_html(answer: Prediction) -> str:
    """The five likeliest classes, below the first or that it is none of these."""
    rows = [(name, f"{probability:.1%}") for name, probability in answer.top(5)]
    title = f"none of these ({answer.name})" if answer.is_none else answer.name
    return shown(title, (), ["class", "probability"], rows, numbers=1)


def _port(port: Input | Output) -> str:
    return f"{port.kind}, {'×'.join(map(str, port.shape))}"
