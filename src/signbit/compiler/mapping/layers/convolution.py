"""Convolutions and linear layers with real weights, and those of pixels. They may read signs.

A linear layer is a convolution of a 1×1 map; `passes/merge/absorb_flatten.py` gives it the map that
it really reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from signbit.bitformat.graph import Pair, Sides
from signbit.bitformat.int16_stem import MAX_PIXEL
from signbit.compiler.ir import Node, Step, is_affine
from signbit.compiler.mapping.moves.over_views import is_moved, over_dimension
from signbit.compiler.mapping.tracer import Call
from signbit.nn.pixels.pixel_conv import recover_pixels

__all__ = ["MAPPINGS", "before_bias", "both_sides", "of_maps", "raw_pixels", "with_bias"]


def _conv2d(call: Call) -> Node:
    return _real(call, both_sides(call.window("padding", 0)))


def _conv2d_named_padding(call: Call) -> Node:
    """With "same" and an even kernel the odd row is below, the odd column to the right."""
    if call.arguments["padding"] == "valid":
        return _real(call, (0, 0, 0, 0))
    kernel, dilation = of_maps(call.constant("weight")).shape[2:], call.window("dilation", 1)
    rows, columns = (d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
    return _real(call, (rows // 2, columns // 2, rows - rows // 2, columns - columns // 2))


def _real(call: Call, padding: Sides) -> Node:
    weight = of_maps(call.constant("weight"))
    source = call.map("input")
    return with_bias(call, _convolution(call, source, weight, padding, part=before_bias(call)))


def of_maps(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Filters (out, in / groups, kh, kw); those of signals have one row."""
    return weight if weight.ndim == 4 else weight[:, :, None]


def _convolution(
    call: Call,
    source: Node,
    weight: npt.NDArray[Any],
    padding: Sides,
    *,
    part: str | None,
    pad_value: npt.NDArray[np.uint8] | None = None,
) -> Node:
    """A node with this call's geometry; weight: (out, in / groups, kh, kw), as PyTorch has it."""
    return call.add(
        "real_conv",
        source,
        part=part,
        kernel=tuple(weight.shape[2:]),
        stride=call.window("stride", 1),
        padding=padding,
        dilation=call.window("dilation", 1),
        groups=call.arguments["groups"],
        weight=weight.transpose(0, 2, 3, 1),
        pad_value=pad_value,
    )


def both_sides(padding: Pair) -> Sides:
    """PyTorch's padding, which is the same on opposite sides."""
    vertical, horizontal = padding
    return vertical, horizontal, vertical, horizontal


def _linear(call: Call) -> Node:
    weight = call.constant("weight")
    if not is_moved(call, "input", -1):
        source = call.with_channels("input", -1)
        filters = weight[:, None, None, :]
        conv = call.add("real_conv", source, part=before_bias(call), weight=filters)
        return with_bias(call, conv)

    def product(source: Node, places: npt.NDArray[np.intp]) -> Node:
        filters = weight[:, None, None, places]
        shape = source.shape._replace(channels=len(weight))
        conv = call.add("real_conv", source, part="", shape=shape, weight=filters)
        return with_bias(call, conv, "biased")

    return over_dimension(call, "input", -1, product, others=True)


def before_bias(call: Call) -> str | None:
    """No exported value: where PyTorch adds a bias too, the node is only a part of its value."""
    return None if call.arguments["bias"] is None else ""


def with_bias(call: Call, conv: Node, part: str | None = None) -> Node:
    """A convolution of the call's and its bias, if there is one; part: as of `Call.add`."""
    bias = call.optional_constant("bias")
    if bias is None:
        return conv
    step = Step("affine", {"scale": np.ones_like(bias), "shift": bias})
    return call.add("identity", conv, steps=[step], part=part, shape=conv.shape)


def _pixel_conv2d(call: Call) -> Node:
    source = call.value("images")
    image = raw_pixels(call, source, "an int16 stem", "was rounded")
    weight = call.constant("weight").astype(np.int16)
    padding = both_sides(call.window("padding", 0))
    pad = call.constant("pad").astype(np.uint8) if any(padding) else None
    conv = _convolution(call, image, weight, padding, part="", pad_value=pad)
    return call.step("affine", conv, scale=call.constant("scale"), shift=call.constant("shift"))


def raw_pixels(call: Call, source: Node, reader: str, made: str) -> Node:
    """The image, where the operation finds every pixel again in what `source` makes of it.

    reader, made: for messages, what reads pixels, and that it is meant for certain ones.
    """
    graph = call.tracer.graph
    if not is_affine(source) or graph[source.input].op != "image":
        raise call.refuse(f"reads {source.origin}", f"{reader} reads the images themselves")
    (affine,) = source.steps
    every = np.arange(MAX_PIXEL + 1, dtype=np.float64)
    normalised = np.multiply.outer(affine["scale"], every) + affine["shift"][:, None]
    mean, std = call.arguments["mean"], call.arguments["std"]
    images = torch.from_numpy(normalised[None, :, None].astype(np.float32))
    if not np.array_equal(recover_pixels(images, mean, std)[0, :, 0], [every] * len(mean)):
        raise call.refuse(
            f"{made} for images of mean {tuple(mean)} and std {tuple(std)}, which are not "
            "those of this compilation"
        )
    return graph[source.input]


MAPPINGS = {
    "aten.conv1d.default": _conv2d,
    "aten.conv1d.padding": _conv2d_named_padding,
    "aten.conv2d.default": _conv2d,
    "aten.conv2d.padding": _conv2d_named_padding,
    "aten.linear.default": _linear,
    "signbit.pixel_conv2d.default": _pixel_conv2d,
}
