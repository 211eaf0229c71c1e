"""Scales and shifts that follow each other become one."""

from __future__ import annotations

from signbit.compiler.ir import Graph, is_affine

__all__ = ["gather_affine"]


def gather_affine(graph: Graph) -> None:
    """outer(inner(x)) = (s2·s1)·x + (s2·t1 + t2), in float64, where nobody else reads inner(x).

    A convolution's scaling factors and the batch-norms after it meet here.
    """
    for outer in graph:
        inner = graph[outer.input] if outer.input else None
        if inner is None or not is_affine(outer) or not is_affine(inner):
            continue
        if graph.only_reader(inner.name) is None:
            continue
        assert outer.scale is not None
        assert outer.shift is not None
        assert inner.scale is not None
        assert inner.shift is not None
        scale = outer.scale * inner.scale
        shift = outer.scale * inner.shift + outer.shift
        graph.update(outer.name, input=inner.input, scale=scale, shift=shift)
        graph.remove(inner.name)
