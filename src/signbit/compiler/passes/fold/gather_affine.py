"""Scales and shifts that follow each other become one, also with those behind a convolution.

s2·(s1·x + t1) + t2           = (s2·s1)·x + (s2·t1 + t2)
s2·(s1·D + t1 + r·S) + t2     = (s2·s1)·D + (s2·t1 + t2) + (s2·r)·S
"""

from __future__ import annotations

from signbit.compiler.ir import Graph, Node, Step, is_affine, is_linear

__all__ = ["gather_affine"]


def gather_affine(graph: Graph) -> None:
    """Gather neighbours in float64, where nobody else reads the inner value.

    A convolution's scaling factors and the batch-norms after it meet here. Where the inner ones are
    the convolution's own (its shift goes by border, or sums of signs are added), they stay there.
    """
    for outer in graph:
        if is_affine(outer):
            inner = graph[outer.input]
            if is_linear(inner) and graph.only_reader(inner.name) is not None:
                _gather(graph, inner, outer)


def _gather(graph: Graph, inner: Node, outer: Node) -> None:
    affine, *weighted = inner.steps
    (last,) = outer.steps
    scale, shift = last["scale"], last["shift"]
    gathered = {"scale": scale * affine["scale"], "shift": scale * affine["shift"] + shift}
    steps = (
        Step("affine", {**affine.keys, **gathered}),
        *(Step("add", {**step.keys, "weighted": scale * step["weighted"]}) for step in weighted),
    )
    if is_affine(inner):
        graph.update(outer.name, inputs=inner.inputs, steps=steps)
        graph.remove(inner.name)
    else:
        graph.update(inner.name, origin=outer.origin, body=inner.body_origin, steps=steps)
        graph.bypass(outer.name)
