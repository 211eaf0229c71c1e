"""A view that is added is a shortcut: subsampled, with zero channels, or with channels repeated.

a[y, x, c] + view(b)[y, x, c] = a[y, x, c] + b[y·stride, x·stride, c − zeros]

A view that somebody else reads is computed: subsampling is max pooling of single pixels, channels
are concatenated, and zero channels are some of the value's own, clipped to [0, 0].
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from signbit.compiler.ir import Graph, Node, Step, is_addition, is_plain

__all__ = ["absorb_views"]


def absorb_views(graph: Graph) -> None:
    """Let additions read what a view shows of its input; compute it for other readers.

    A view of a view is one view.
    """
    for node in graph:
        if is_addition(node):
            _absorb(graph, node)
    for node in reversed(list(graph)):
        if node.op == "view" and not graph.readers(node.name) and not graph.is_output(node.name):
            graph.remove(node.name)
        elif node.op == "view":
            _compute(graph, node)


def _absorb(graph: Graph, addition: Node) -> None:
    left, right = addition.input, addition.operand(addition.steps[0])
    if graph[left].op == "view" and is_plain(addition.steps[0]) and graph[right].op != "view":
        # a + b = b + a: the view must be the operand.
        addition = _reading(graph, addition, right, left, {})
    while True:
        (step,) = addition.steps
        view = graph[addition.operand(step)]
        if view.op != "view" or not _is_shown(graph, view, step, addition):
            return
        rows, columns = (a * b for a, b in zip(step["every"], view["stride"], strict=True))
        seen = {"every": (rows, columns), "offset": step["offset"] + view["zeros"]}
        if step["repeat"] == "tile" or view["repeat"]:
            seen["repeat"] = "tile"
        addition = _reading(graph, addition, addition.input, view.input, seen)


def _reading(graph: Graph, addition: Node, left: str, right: str, seen: dict[str, Any]) -> Node:
    """The addition of `left` and what is `seen` of `right`."""
    step = Step("add", {"input": 1, **seen})
    return graph.update(addition.name, inputs=(left, right), steps=(step,))


def _is_shown(graph: Graph, view: Node, step: Step, addition: Node) -> bool:
    """Whether a step that reads the view can read the view's input instead.

    It has either zero channels around or repeated ones, and repeated ones end where the view does.
    """
    if step["every"] == (0, 0):
        return False
    if view["repeat"]:
        whole = view.shape.channels == addition.shape.channels
        return step["offset"] == 0 and (step["repeat"] == "tile" or whole)
    return not (step["repeat"] == "tile" and _widens(graph, view))


def _widens(graph: Graph, view: Node) -> bool:
    return view.shape.channels != graph[view.input].shape.channels


def _compute(graph: Graph, view: Node) -> None:
    """Let a node yield the view, behind others that yield what it needs."""
    if not _widens(graph, view):
        graph.update(view.name, op="max_pool", keys={"stride": view["stride"]})
        return
    source = graph[view.input]
    if view["stride"] != (1, 1):
        shape = view.shape._replace(channels=source.shape.channels)
        part = Node("rows", "max_pool", (source.name,), shape, view.origin)
        source = _before(graph, view, part.with_keys(stride=view["stride"]))
    if view["repeat"]:
        names = (source.name,) * (view.shape.channels // source.shape.channels)
    else:
        behind = view.shape.channels - view["zeros"] - source.shape.channels
        first, last = (_zeros(graph, view, source, count) for count in (view["zeros"], behind))
        names = (*first, source.name, *last)
    graph.update(view.name, op="concat", inputs=names, keys={})


def _zeros(graph: Graph, view: Node, source: Node, count: int) -> list[str]:
    """So many zero channels: of the value's own, as often as it takes."""
    whole, rest = divmod(count, source.shape.channels)
    names = [_zero(graph, view, source).name] * whole if whole else []
    if rest:
        shape = source.shape._replace(channels=rest)
        part = Node("some", "slice", (source.name,), shape, view.origin, {"count": rest})
        names.append(_zero(graph, view, _before(graph, view, part)).name)
    return names


def _zero(graph: Graph, view: Node, source: Node) -> Node:
    zero = np.zeros(source.shape.channels)
    clip = Step("clip", {"low": zero, "high": zero})
    part = Node("zero", "identity", (source.name,), source.shape, view.origin, steps=(clip,))
    return _before(graph, view, part)


def _before(graph: Graph, view: Node, part: Node) -> Node:
    """The part, which PyTorch does not have, in front of the view."""
    name = graph.unique(f"{view.name}.{part.name}")
    origin = part.origin._replace(export="")
    part = replace(part, name=name, origin=origin, is_sign=graph[part.input].is_sign)
    graph.insert_before(view.name, part)
    return part
