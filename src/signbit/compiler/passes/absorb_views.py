"""A subsampled or channel-padded tensor that is added is a shortcut with a stride and an offset."""

from __future__ import annotations

from dataclasses import replace

from signbit.bitformat.graph import Shortcut
from signbit.compiler.ir import Graph, Node, refuse

__all__ = ["absorb_views"]


def absorb_views(graph: Graph) -> None:
    """Let additions read what a view shows of its input; other readers of a view subsample.

    A view of a view is one view. Subsampling alone is max pooling of single pixels.
    Raises CompileError for zero channels that are not added to something.
    """
    for node in graph:
        if node.op == "pointwise" and node.shortcut is not None:
            _absorb(graph, node)
    for node in reversed(list(graph)):
        if node.op == "view" and not graph.readers(node.name) and node.name != graph.output:
            graph.remove(node.name)
        elif node.op == "view":
            _subsample(graph, node)


def _absorb(graph: Graph, add: Node) -> None:
    shortcut = add.shortcut
    assert shortcut is not None
    source = graph[add.input]
    if source.op == "view" and shortcut.stride == (1, 1) and graph[shortcut.tensor].op != "view":
        # a + b = b + a: the view must be the shortcut.
        add = graph.update(add.name, input=shortcut.tensor, shortcut=Shortcut(source.name))
    while True:
        shortcut = add.shortcut
        assert shortcut is not None
        view = graph[shortcut.tensor]
        if view.op != "view" or shortcut.stride == (0, 0):
            return
        strides = zip(shortcut.stride, view.stride, strict=True)
        seen = Shortcut(
            view.input,
            stride=tuple(outer * inner for outer, inner in strides),  # type: ignore[arg-type]
            offset=shortcut.offset + view.offset,
        )
        add = graph.update(add.name, shortcut=seen)


def _subsample(graph: Graph, view: Node) -> None:
    if view.shape.channels != graph[view.input].shape.channels:
        raise refuse(view.origin, "adds zero channels to something other than a shortcut")
    graph.nodes[view.name] = replace(view, op="max_pool", kernel=(1, 1))
