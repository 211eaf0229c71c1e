"""Does the translation say what the engine says? Every node alone, on the engine's own tensors.

End to end a binary network amplifies rounding: one sign that flips moves every map after it. So
each node is fed exact inputs, and what it writes is held against what the engine writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import signbit
from peers.openvino_graph import translate_node
from peers.openvino_peer import OpenVino
from signbit.bitformat.graph import Graph
from signbit.bitformat.validate import validate

__all__ = ["check_nodes"]

Array = npt.NDArray[Any]


def check_nodes(
    graph: Graph, constants: Mapping[str, Array], engine: signbit.Engine, images: Array
) -> dict[str, Any]:
    """Signs compared and different, and the largest error of a real by its node's largest real.

    Raises AssertionError where more than a few signs in a million differ, or a real by more than
    rounding.
    """
    kinds = [tensor.kind for tensor in validate(graph, constants)]
    tensors = engine.run_nodes({0: images}, range(1, len(kinds)))
    tensors[0] = images
    signs = different = 0
    error = 0.0
    for node, written in graph.written():
        translated = translate_node(graph, constants, node, written, len(images))
        peer = OpenVino(translated.model, 1)
        feeds = [_to_peer(kinds[n], tensors[n], translated.offset) for n in node.inputs]
        for number, answer in zip(written, peer.run(feeds), strict=True):
            expected, answer = tensors[number], answer.transpose(0, 2, 3, 1)
            if kinds[number] == "bits":
                signs += expected.size
                different += int(((answer < 0) != expected.astype(bool)).sum())
            else:
                largest = max(float(np.abs(expected).max()), 1e-6)
                error = max(error, float(np.abs(answer - expected).max()) / largest)
    if different > 1e-5 * signs or error > 1e-5:
        raise AssertionError(f"{different} of {signs} signs differ, reals by {error:.1e}")
    return {"signs": signs, "signs_different": different, "largest_relative_error": error}


def _to_peer(kind: str, tensor: Array, offset: Array) -> Array:
    """(N, C, H, W) floats: pixels without the offset, reals, or signs -1 and +1."""
    values = tensor.transpose(0, 3, 1, 2).astype(np.float32)
    if kind == "image":
        values = values - offset
    elif kind == "bits":
        values = 1 - 2 * values
    return np.ascontiguousarray(values, np.float32)
