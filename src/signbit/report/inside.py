"""What a network looks like inside: its first filters, and its signs for one image, as pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signbit.bitformat import decode
from signbit.bitformat.validate import validate
from signbit.printable import printable
from signbit.runtime.engine import Engine

__all__ = ["Inside", "SignMap", "look_inside", "tiled"]

Pixels = NDArray[np.uint8]

_MAPS = 32
"""Channels of a layer that are drawn."""


@dataclass(frozen=True, eq=False)
class SignMap:
    """The signs that one node gives for the image: uint8 (H, W, channels), 1 is negative."""

    node: str
    bits: NDArray[np.uint8]

    @property
    def positive(self) -> float:
        """The share of +1, 0 … 1."""
        return float(1 - self.bits.mean())


@dataclass(frozen=True, eq=False)
class Inside:
    """first: (name of the first layer, its filters float32 (n, h, w, channels)), where it is real.

    image: what the sign maps are of, uint8 (H, W, C); None where the network has no image.
    """

    first: tuple[str, NDArray[np.float32]] | None = None
    image: Pixels | None = None
    maps: tuple[SignMap, ...] = ()


def look_inside(data: bytes, engine: Engine, image: Pixels | None) -> Inside:
    """Of the file `data`, which `engine` has loaded, and one image uint8 (H, W, C)."""
    graph, constants = decode(data)
    first = _first_filters(graph.nodes, constants)
    if image is None or len(graph.inputs) != 1 or graph.inputs[0].kind != "image":
        return Inside(first)
    tensors = validate(graph, constants)
    wanted: dict[int | str, str] = {}
    for node, number in zip(graph.nodes, graph.first_tensors(), strict=True):
        for offset in range(len(node.outputs)):
            height, width, _ = tensors[number + offset].shape
            if tensors[number + offset].kind == "bits" and height * width > 1:
                wanted[number + offset] = node.name
    found = engine.run_nodes({0: image[None]}, wanted)
    maps = [SignMap(printable(name), found[number][0]) for number, name in wanted.items()]
    return Inside(first, image, tuple(maps))


def _first_filters(
    nodes: Any, constants: Mapping[str, NDArray[Any]]
) -> tuple[str, NDArray[np.float32]] | None:
    """The first convolution of reals that reads colours: its filters, (n, h, w, 1 or 3)."""
    for node in nodes:
        if node.op == "real_conv" and 0 in node.inputs:
            weight = constants[str(node.keys["weight"])]
            if weight.ndim == 4 and weight.shape[3] in (1, 3) and weight.dtype.kind in "fi":
                return printable(node.name), weight.astype(np.float32)
    return None


def tiled(parts: NDArray[Any], columns: int = 8) -> Pixels:
    """Pictures uint8 (n, H, W, C) side by side in rows, a gray pixel between them: (h, w, C)."""
    count, height, width, channels = parts.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.full(
        (rows * (height + 1) - 1, columns * (width + 1) - 1, channels), 128, dtype=np.uint8
    )
    for index, part in enumerate(parts):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        sheet[top : top + height, left : left + width] = part
    return sheet


def filters_picture(filters: NDArray[np.float32]) -> Pixels:
    """First filters as colours, each stretched over its own range: one sheet."""
    low = filters.min(axis=(1, 2, 3), keepdims=True)
    span = np.maximum(filters.max(axis=(1, 2, 3), keepdims=True) - low, np.float32(1e-12))
    return tiled(np.rint((filters - low) / span * 255).astype(np.uint8))


def signs_picture(bits: NDArray[np.uint8]) -> Pixels:
    """A layer's first sign maps, +1 white and −1 black: one sheet of one channel."""
    channels = np.moveaxis(bits, 2, 0)[:_MAPS, :, :, None]
    return tiled((255 * (1 - channels)).astype(np.uint8))
