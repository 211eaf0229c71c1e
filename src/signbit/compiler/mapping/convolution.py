"""Convolutions and linear layers with real weights, and those of pixels. They may read signs.

A linear layer is a convolution of a 1×1 map; `passes/absorb_flatten.py` gives it the map it really
reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from signbit.bitformat.graph import Pair
from signbit.bitformat.int16_stem import MAX_PIXEL
from signbit.compiler.ir import IMAGE, Node, is_affine
from signbit.compiler.mapping.tracer import Call
from signbit.nn.pixel_conv import recover_pixels

__all__ = ["MAPPINGS", "check_vector"]


def _conv2d(call: Call) -> str:
    return _real(call, call.pair("padding"))


def _conv2d_named_padding(call: Call) -> str:
    if call.arguments["padding"] == "valid":
        return _real(call, (0, 0))
    kernel, dilation = call.constant("weight").shape[2:], call.pair("dilation")
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(span % 2 for span in spans):
        raise call.refuse(
            f'padding="same" with an even kernel {tuple(kernel)} pads one side more; '
            "the engine pads both sides alike"
        )
    return _real(call, (spans[0] // 2, spans[1] // 2))


def _real(call: Call, padding: Pair) -> str:
    weight = call.constant("weight")
    source = call.value("input")
    name = _convolution(call, "real_conv", source, weight, padding, **_before_bias(call))
    return _with_bias(call, name)


def _convolution(
    call: Call, op: str, source: Node, weight: npt.NDArray[Any], padding: Pair, **fields: Any
) -> str:
    """A node with this call's geometry; weight: (out, in / groups, kh, kw), as PyTorch has it."""
    return call.add(
        op,
        source,
        kernel=weight.shape[2:],
        stride=call.pair("stride"),
        padding=padding,
        dilation=call.pair("dilation"),
        groups=call.arguments["groups"],
        weight=weight.transpose(0, 2, 3, 1),
        **fields,
    )


def _linear(call: Call) -> str:
    weight = call.constant("weight")
    source = call.value("input")
    check_vector(call, "input")
    node = call.add("real_conv", source, weight=weight[:, None, None, :], **_before_bias(call))
    return _with_bias(call, node)


def _before_bias(call: Call) -> dict[str, Any]:
    """What a convolution's node needs to know where PyTorch's value has a bias too."""
    return {} if call.arguments["bias"] is None else call.part()


def _with_bias(call: Call, name: str) -> str:
    bias = call.optional_constant("bias")
    if bias is None:
        return name
    node = call.tracer.graph[name]
    return call.add("pointwise", node, scale=np.ones_like(bias), shift=bias)


def _pixel_conv2d(call: Call) -> str:
    source = call.value("images")
    image = _raw_pixels(call, source)
    weight = call.constant("weight").astype(np.int16)
    padding = call.pair("padding")
    pad = call.constant("pad").astype(np.uint8) if any(padding) else None
    own = {"pad_value": pad, **call.part()}  # PyTorch has the value with scale and shift
    node = _convolution(call, "real_conv", image, weight, padding, **own)
    scale, shift = call.constant("scale"), call.constant("shift")
    return call.add("pointwise", call.tracer.graph[node], scale=scale, shift=shift)


def _raw_pixels(call: Call, source: Node) -> Node:
    """The image, where the operation finds every pixel again in what `source` makes of it."""
    if source.input != IMAGE or not is_affine(source):
        raise call.refuse(f"reads {source.origin}; an int16 stem reads the images themselves")
    assert source.scale is not None
    assert source.shift is not None
    every = np.arange(MAX_PIXEL + 1, dtype=np.float64)
    normalised = np.multiply.outer(source.scale, every) + source.shift[:, None]
    mean, std = call.arguments["mean"], call.arguments["std"]
    images = torch.from_numpy(normalised[None, :, None].astype(np.float32))
    if not np.array_equal(recover_pixels(images, mean, std)[0, :, 0], [every] * len(mean)):
        raise call.refuse(
            f"was rounded for images of mean {tuple(mean)} and std {tuple(std)}, which are not "
            "those of this compilation"
        )
    return call.tracer.graph[IMAGE]


def check_vector(call: Call, name: str) -> None:
    """Refuse a linear layer's input (the argument `name`) that is not (N, features)."""
    if len(call.sizes(name)) != 1:
        raise call.refuse(
            f"a linear layer must read (N, features), it reads {call.sizes(name)} for each "
            "image; flatten first"
        )


MAPPINGS = {
    "aten.conv2d.default": _conv2d,
    "aten.conv2d.padding": _conv2d_named_padding,
    "aten.linear.default": _linear,
    "signbit.pixel_conv2d.default": _pixel_conv2d,
}
