"""A view that is added is a shortcut: subsampled, with zero channels, or with channels repeated.

a[y, x, c] + view(b)[y, x, c] = a[y, x, c] + b[y·stride, x·stride, c − zeros]
"""

from __future__ import annotations

from typing import Any

from signbit.compiler.ir import Graph, Node, Step, is_addition, is_plain, refuse

__all__ = ["absorb_views"]


def absorb_views(graph: Graph) -> None:
    """Let additions read what a view shows of its input; other readers of a view subsample.

    A view of a view is one view. Subsampling alone is max pooling of single pixels.
    Raises CompileError for channels that are more than the input's and not added to something.
    """
    for node in graph:
        if is_addition(node):
            _absorb(graph, node)
    for node in reversed(list(graph)):
        if node.op == "view" and not graph.readers(node.name) and node.name != graph.output:
            graph.remove(node.name)
        elif node.op == "view":
            _subsample(graph, node)


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


def _subsample(graph: Graph, view: Node) -> None:
    if _widens(graph, view):
        what = "repeats channels of" if view["repeat"] else "adds zero channels to"
        raise refuse(view.origin, f"{what} something other than a shortcut")
    graph.update(view.name, op="max_pool", keys={"stride": view["stride"]})
