"""Scales and shifts that follow each other become one, also with those inside a convolution."""

from __future__ import annotations

from typing import Any

from signbit.compiler.ir import Graph, Node, is_affine

__all__ = ["gather_affine"]


def gather_affine(graph: Graph) -> None:
    """outer(inner(x)) = (s2·s1)·x + (s2·t1 + t2), in float64, where nobody else reads inner(x).

    A convolution's scaling factors and the batch-norms after it meet here. Where the inner ones are
    the convolution's own (its shift goes by border, or sums of signs are added), they stay there:
    s2·(s1·D + t1 + r·S) + t2 has s2·r as the sums' scale.
    """
    for outer in graph:
        inner = graph[outer.input] if outer.input else None
        if inner is None or not is_affine(outer) or inner.parts() != outer.parts():
            continue
        if graph.only_reader(inner.name) is not None:
            _gather(graph, inner, outer)


def _gather(graph: Graph, inner: Node, outer: Node) -> None:
    assert outer.scale is not None
    assert outer.shift is not None
    assert inner.scale is not None
    assert inner.shift is not None
    changes: dict[str, Any] = {
        "scale": outer.scale * inner.scale,
        "shift": outer.scale * inner.shift + outer.shift,
    }
    if is_affine(inner):
        graph.update(outer.name, input=inner.input, **changes)
        graph.remove(inner.name)
        return
    if inner.sums_scale is not None:
        changes["sums_scale"] = outer.scale * inner.sums_scale
    graph.update(inner.name, origin=outer.origin, body=inner.body_origin, **changes)
    graph.bypass(outer.name)
