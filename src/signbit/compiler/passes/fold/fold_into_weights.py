"""A scale and shift in front of a real convolution moves into its weights.

    Σ w·(s·x + t) = Σ (w·s)·x + Σ w·t

This folds the normalisation of the pixels into the stem, so that the file takes raw uint8, and a
BatchNorm1d in front of the classifier into the classifier.

The last sum is a shift per channel: over every tap, as if none were outside the image. A tap
outside contributed w·q before the fold, where q is mostly 0, so the convolution of x pads with the
value p for which s·p + t = q, p = (q − t)/s: for pixels and q = 0, 255·mean.
"""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import FloatArray, Graph, Node, Step, is_affine

__all__ = ["fold_into_weights"]


def fold_into_weights(graph: Graph) -> None:
    """Fold where the input is the image or the convolution is a linear layer; in float64.

    Elsewhere the node in front takes scale and shift as a step, which costs nothing and leaves the
    weights as they were trained.
    """
    for node in graph:
        if node.op != "real_conv" or node["weight"].dtype == np.int16 or node.steps:
            continue  # integers stay what they are
        before = graph[node.input]
        of_signs = node["weight"].dtype == np.int8
        if not is_affine(before) or (of_signs and not _is_whole(graph, before)):
            continue  # and so do signs
        if _of_pixels(graph, before) or node.shape[:2] == (1, 1):
            _fold(graph, node, before)
            if not graph.readers(before.name):
                graph.remove(before.name)


def _is_whole(graph: Graph, before: Node) -> bool:
    """Whether whole numbers are added to pixels, and nothing is multiplied: signs stay signs."""
    (affine,) = before.steps
    shift = affine["shift"]
    is_added = (affine["scale"] == 1).all() and (shift == np.rint(shift)).all()
    return _of_pixels(graph, before) and bool(is_added)


def _of_pixels(graph: Graph, node: Node) -> bool:
    return graph[node.input].op == "image"


def _fold(graph: Graph, conv: Node, before: Node) -> None:
    (affine,) = before.steps
    scale, shift = affine["scale"], affine["shift"]
    padded = any(conv["padding"])
    if padded and not scale.all():
        return
    weight = conv["weight"]
    if weight.dtype != np.int8:
        weight = weight * _by_weight(scale, conv)
    constant = (conv["weight"] * _by_weight(shift, conv)).sum((1, 2, 3))
    outside = 0.0 if conv["pad_value"] is None else conv["pad_value"]
    pad_value = (outside - shift) / scale if padded else np.zeros(1)
    graph.update(
        conv.name,
        inputs=before.inputs,
        keys=conv.keys | {"weight": weight, "pad_value": pad_value if pad_value.any() else None},
        origin=conv.origin._replace(export=""),  # PyTorch has the value with the shift
        body=conv.body_origin,
    )
    added = Step("affine", {"scale": np.ones_like(constant), "shift": constant})
    name = graph.unique(f"{conv.name}.shift")
    graph.insert_behind(Node(name, "identity", (conv.name,), conv.shape, conv.origin, {}, (added,)))


def _by_weight(values: FloatArray, conv: Node) -> FloatArray:
    """One value per input channel, laid out to multiply weights (out, kh, kw, in / groups)."""
    each = conv["weight"].shape[0] // conv["groups"]
    by_filter = np.repeat(np.float64(values).reshape(conv["groups"], -1), each, axis=0)
    return by_filter[:, None, None, :]
