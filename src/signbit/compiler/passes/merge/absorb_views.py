"""A view that is added is a shortcut: subsampled, with zero channels, or with channels repeated."""

from __future__ import annotations

from dataclasses import replace

from signbit.compiler.ir import Graph, Node, Shortcut, refuse

__all__ = ["absorb_views"]


def absorb_views(graph: Graph) -> None:
    """Let additions read what a view shows of its input; other readers of a view subsample.

    A view of a view is one view. Subsampling alone is max pooling of single pixels.
    Raises CompileError for channels that are more than the input's and not added to something.
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
    plain = shortcut == Shortcut(shortcut.tensor)
    if source.op == "view" and plain and graph[shortcut.tensor].op != "view":
        # a + b = b + a: the view must be the shortcut.
        add = graph.update(add.name, input=shortcut.tensor, shortcut=Shortcut(source.name))
    while True:
        shortcut = add.shortcut
        assert shortcut is not None
        view = graph[shortcut.tensor]
        if view.op != "view" or not _is_shown(graph, view, shortcut, add):
            return
        strides = zip(shortcut.stride, view.stride, strict=True)
        seen = Shortcut(
            view.input,
            stride=tuple(outer * inner for outer, inner in strides),  # type: ignore[arg-type]
            offset=shortcut.offset + view.zeros,
            repeat=shortcut.repeat or view.repeat,
        )
        add = graph.update(add.name, shortcut=seen)


def _is_shown(graph: Graph, view: Node, shortcut: Shortcut, add: Node) -> bool:
    """Whether a shortcut from the view can be one from the view's input.

    It has either zero channels around or repeated ones, and repeated ones end where the view does.
    """
    if shortcut.stride == (0, 0):
        return False
    if view.repeat:
        whole = view.shape.channels == add.shape.channels
        return shortcut.offset == 0 and (shortcut.repeat or whole)
    return not (shortcut.repeat and _widens(graph, view))


def _widens(graph: Graph, view: Node) -> bool:
    return view.shape.channels != graph[view.input].shape.channels


def _subsample(graph: Graph, view: Node) -> None:
    if _widens(graph, view):
        what = "repeats channels of" if view.repeat else "adds zero channels to"
        raise refuse(view.origin, f"{what} something other than a shortcut")
    graph.nodes[view.name] = replace(view, op="max_pool", kernel=(1, 1))
