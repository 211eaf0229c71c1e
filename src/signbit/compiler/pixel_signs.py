"""What PyTorch says of each of a pixel's 256 values, for signs that one pixel decides.

A mean of k/255 makes the pixel k exactly 0 in PyTorch's order of operations, and something next to
0 in any other order. So nothing is derived from the constants: PyTorch itself, with its own
operations and roundings, is asked for all 256 values, and the file's comparison is made of its
answers (`passes/signs/pixel_comparison.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.export import ExportedProgram

from signbit.bitformat.int16_stem import MAX_PIXEL
from signbit.compiler.axes import as_map, order_of
from signbit.compiler.exporting.exported import PartialReplay
from signbit.compiler.inputs import ModelInput
from signbit.compiler.ir import Graph, Node, SignRule

__all__ = ["ask_pytorch"]

Bools = npt.NDArray[np.bool_]

_BLOCK_ELEMENTS = 1 << 22
_STEPS = ("identity", "batch_norm")
_CHOICES = ("flatten_chw", "global_max", "max_pool", "view")
"""Operations that yield one of their input's values at each place."""
_MOVES = ("channel_shuffle", "concat", "slice", "space_to_depth", "upsample")
"""Those of which each channel is one of an input's."""


def ask_pytorch(graph: Graph, program: ExportedProgram, inputs: Sequence[ModelInput]) -> None:
    """Give each sign that one pixel decides `pixel_signs`, of a graph as it was traced.

    A sign stays as it is where PyTorch's answer depends on where the pixel stands.
    """
    signs = [node for node in graph if node.op == "sign" and _is_of_one_pixel(graph, node.input)]
    if not signs:
        return
    found: dict[str, list[Bools]] = {sign.name: [] for sign in signs}
    orders = {fx.name: order_of(fx) for fx in program.graph.nodes}
    replay = PartialReplay(program, {sign.origin.signed for sign in signs})
    for given in _of_one_value_each(inputs):
        replay(*given)
        count = len(given[0])
        for sign in signs:
            # PyTorch's channels, which for flattened features are these: channel, row, column.
            values = replay.recorded[sign.origin.signed]
            mapped = as_map(values, orders[sign.origin.signed], sign.shape[:2])
            features = mapped.reshape(count, -1, sign.shape.channels).transpose(2, 0, 1)
            negative = SignRule(negated=sign["negated"]).negative(features).swapaxes(0, 1)
            found[sign.name].append(negative.reshape(count, _channels(graph, sign.input), -1))
    for sign in signs:
        everywhere = np.concatenate(found[sign.name])
        inside = _inside(graph, sign.input)
        if not inside.all():
            everywhere = everywhere[:, :, inside.reshape(-1)]
        first = everywhere[:, :, 0]
        if (everywhere == first[:, :, None]).all():
            graph.put(sign.with_keys(pixel_signs=first.T.copy()))


def _of_one_value_each(inputs: Sequence[ModelInput]) -> Iterator[list[Tensor]]:
    """256 samples of each input in order, some at a time: all pixels of the k-th are k.

    Then a pool yields k too, and so does every place of a map. Reals are 0.
    """
    step = max(1, _BLOCK_ELEMENTS // max(int(np.prod(each.shape)) for each in inputs))
    values = np.arange(MAX_PIXEL + 1, dtype=np.uint8)
    for start in range(0, len(values), step):
        block = values[start : start + step]
        yield [
            each.tensor(np.tile(block[:, None, None, None], each.shape))
            if each.kind == "image"
            else each.zeros(len(block))
            for each in inputs
        ]


def _is_of_one_pixel(graph: Graph, name: str) -> bool:
    """Whether each value depends on one pixel alone, of one channel."""
    node = graph[name]
    if node.op == "image":
        return True
    if node.op not in _STEPS and any(_has(graph, each, "pad") for each in node.inputs):
        return False  # a pad comes behind a sign where only maths stands between them
    if node.op in _CHOICES or node.op == "real_conv":
        widens = node.op == "view" and (node["zeros"] or node["repeat"])
        shown = not widens and (node.op != "real_conv" or _scales(node))
        return shown and _is_of_one_pixel(graph, node.input)
    if node.op in _MOVES:
        return all(_map_of_one_pixel(graph, name) for name in node.inputs)
    if node.op not in (*_STEPS, "pad"):
        return False
    others = node.inputs[1:]
    if not others:
        return _is_of_one_pixel(graph, node.input)
    # Of two values only those of the same place are of one pixel.
    in_place = all(graph[other].shape == node.shape for other in others)
    in_place = in_place and all(_is_in_place(graph, operand) for operand in node.inputs)
    return in_place and len(_images_of(graph, name)) == 1


def _images_of(graph: Graph, name: str) -> set[str]:
    """The images that a value in its place depends on."""
    node = graph[name]
    return set[str]().union(*(_images_of(graph, each) for each in node.inputs)) or {name}


def _map_of_one_pixel(graph: Graph, name: str) -> bool:
    """The same of a map: the features of a flattened one are no channels."""
    return not _has(graph, name, "flatten_chw") and _is_of_one_pixel(graph, name)


def _has(graph: Graph, name: str, op: str) -> bool:
    """Whether an operation is on the way to a value."""
    node = graph[name]
    return node.op == op or any(_has(graph, each, op) for each in node.inputs)


def _inside(graph: Graph, name: str) -> Bools:
    """(height, width): where a value of one pixel is no pad's."""
    node = graph[name]
    if node.op == "pad":
        top, left, bottom, right = node["padding"]
        return np.pad(_inside(graph, node.input), ((top, bottom), (left, right)))
    if node.op in _STEPS:
        return _inside(graph, node.input)
    return np.ones(node.shape[:2], np.bool_)


def _scales(conv: Node) -> bool:
    """Whether a convolution multiplies each value of one channel by a real weight of a filter."""
    weight = conv["weight"]
    one = weight[0].size == 1 and not any(conv["padding"])
    return bool(one and weight.dtype.kind == "f")


def _channels(graph: Graph, name: str) -> int:
    """The channels that a value of one pixel had before it was flattened."""
    node = graph[name]
    while _has(graph, node.name, "flatten_chw"):
        node = graph[node.input]
    return node.shape.channels


def _is_in_place(graph: Graph, name: str) -> bool:
    """Whether each value depends on the pixel where it stands alone."""
    node = graph[name]
    if node.op == "image":
        return True
    return node.op in _STEPS and all(_is_in_place(graph, operand) for operand in node.inputs)
