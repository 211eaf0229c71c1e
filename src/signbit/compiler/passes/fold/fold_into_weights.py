"""A scale and shift in front of a real convolution moves into its weights.

This folds the normalisation of the pixels into the stem, so that the file takes raw uint8, and a
BatchNorm1d in front of the classifier into the classifier.

    Σ w·(s·x + t) = Σ (w·s)·x + Σ w·t

The last sum is a shift a channel: over every tap, as if none were outside the image. A tap outside
contributed w·0 before the fold, so the convolution of x pads with the value p that s·p + t = 0,
p = −t/s: for pixels 255·mean.
"""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import IMAGE, FloatArray, Graph, Node, is_affine

__all__ = ["fold_into_weights"]


def fold_into_weights(graph: Graph) -> None:
    """Fold where the input is the image or the convolution is a linear layer; in float64.

    Elsewhere the node in front takes scale and shift in its epilogue, which costs nothing and
    leaves the weights as they were trained.
    """
    for node in graph:
        if node.op != "real_conv" or node.weight is None or node.weight.dtype.kind == "i":
            continue  # integers, and signs, stay what they are
        before = graph[node.input]
        if is_affine(before) and (before.input == IMAGE or node.shape[:2] == (1, 1)):
            _fold(graph, node, before)
            if not graph.readers(before.name):
                graph.remove(before.name)


def _fold(graph: Graph, conv: Node, before: Node) -> None:
    assert conv.weight is not None
    assert before.scale is not None
    assert before.shift is not None
    padded = conv.padding != (0, 0)
    if conv.pad_value is not None or (padded and not before.scale.all()):
        return
    weight = conv.weight * _by_weight(before.scale, conv)
    shift = (conv.weight * _by_weight(before.shift, conv)).sum((1, 2, 3))
    pad_value = -before.shift / before.scale if padded and before.shift.any() else None
    graph.update(
        conv.name,
        input=before.input,
        weight=weight,
        pad_value=pad_value,
        origin=conv.origin._replace(export=""),  # PyTorch has the value with the shift
        body=conv.body_origin,
    )
    name = graph.unique(f"{conv.name}.shift")
    added = Node(name, "pointwise", conv.name, conv.shape, conv.origin)
    graph.redirect(conv.name, name)
    graph.insert_after(conv.name, added)
    graph.update(name, scale=np.ones_like(shift), shift=shift)


def _by_weight(values: FloatArray, conv: Node) -> FloatArray:
    """One value an input channel, laid out to multiply weights (out, kh, kw, in / groups)."""
    assert conv.weight is not None
    each = conv.weight.shape[0] // conv.groups
    by_filter = np.repeat(np.float64(values).reshape(conv.groups, -1), each, axis=0)
    return by_filter[:, None, None, :]
