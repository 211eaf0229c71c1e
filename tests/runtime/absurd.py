"""Valid graphs of small files that ask for too much: memory, operations, or time to read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from tests.bitformat.builder import REAL, Builder, Sample

from signbit.bitformat.graph import Output, Step

__all__ = ["ABSURD", "LONG"]

SIGNS = Output("signs")
KERNEL = 1200


def _signs(b: Builder, *shape: int) -> int:
    image = b.input("image", "image", *shape)
    number: int = b.node("signs", "identity", (image,), outputs=(SIGNS,))
    return number


def huge_kernel() -> Sample:
    """A table by border of nearly six million patterns, from 180 kB of weights."""
    b = Builder(0)
    bits = _signs(b, KERNEL, KERNEL, 1)
    conv = b.node(
        "conv",
        "binary_conv",
        (bits,),
        kernel=(KERNEL, KERNEL),
        padding=(KERNEL - 1,) * 4,
        pool_kernel=(1000, 1000),
        pool_stride=(1000, 1000),
        weight=b.filters(1, KERNEL * KERNEL),
    )
    b.output("y", conv)
    return b.sample()


def dilated_kernel() -> Sample:
    """As `huge_kernel`, of few taps that lie far apart, with wide padding."""
    b = Builder(1)
    bits = _signs(b, 64, 64, 1)
    conv = b.node(
        "conv",
        "binary_conv",
        (bits,),
        kernel=(1000, 1000),
        dilation=(16, 16),
        padding=(15_900,) * 4,
        weight=b.filters(4, 1000 * 1000),
        pool_kernel=(2, 2),
        pool_stride=(2, 2),
    )
    b.output("y", conv)
    return b.sample()


def shared_weights() -> Sample:
    """Three thousand convolutions of one weight, which each of them packs for itself."""
    b = Builder(2)
    bits = _signs(b, 1, 1, 4096)
    weight = b.filters(1024, 4096)
    for index in range(3000):
        last = b.node(f"conv{index}", "binary_conv", (bits,), weight=weight)
    b.output("y", last)
    return b.sample()


def many_signs() -> Sample:
    """Signs of 65,536 channels, 25,600 times, each with thresholds that the file leaves out."""
    b = Builder(3)
    image = b.input("image", "image", 1, 1, 65_536)
    for index in range(400):
        last = b.node(f"n{index}", "identity", (image,), outputs=(SIGNS,) * 64)
    b.output("y", last[0])
    return b.sample()


def wide_padding() -> Sample:
    """One pixel behind so much padding that its tensor is 8.6 GB."""
    b = Builder(4)
    bits = _signs(b, 1, 1, 64)
    conv = b.node(
        "conv",
        "binary_conv",
        (bits,),
        padding=(16_384,) * 4,
        stride=(64, 64),
        weight=b.filters(1, 64),
    )
    b.output("y", conv)
    return b.sample()


def many_operations() -> Sample:
    """A convolution of 16 million pixels with a kernel as large as an image."""
    b = Builder(5)
    bits = _signs(b, 4096, 4096, 1)
    conv = b.node(
        "conv",
        "binary_conv",
        (bits,),
        kernel=(255, 255),
        padding=(127,) * 4,
        weight=b.filters(1, 255 * 255),
    )
    b.output("y", conv)
    return b.sample()


def large_panel() -> Sample:
    """Rows of a real convolution's input, made ready, of 8.6 GB."""
    b = Builder(6)
    image = b.input("image", "image", 16_384, 4, 16_384)
    conv = b.node(
        "conv",
        "real_conv",
        (image,),
        kernel=(2, 1),
        dilation=(16_383, 1),
        weight=b.floats(1, 2, 1, 16_384),
    )
    b.output("y", conv)
    return b.sample()


def many_tap_sets() -> Sample:
    """Affines by tap sets along axes of 16,384 windows."""
    b = Builder(7)
    bits = _signs(b, 16_384, 1, 1)
    weight, scale, shift = b.filters(1, 1), b.floats(1), b.floats(1, 1, 1)
    sets = {"row_taps": ((0, 1),), "column_taps": ((0, 1),)}
    step = Step("affine", {"scale": scale, "shift": shift, **sets})
    for index in range(80):
        last = b.node(f"conv{index}", "binary_conv", (bits,), *([step] * 64), weight=weight)
    b.output("y", last)
    return b.sample()


def many_windows() -> Sample:
    """Convolutions of one pixel with 16,384 windows each, nearly all in the padding."""
    b = Builder(8)
    bits = _signs(b, 1, 1, 1)
    weight = b.filters(1, 1)
    for index in range(6000):
        padding = (16_384 - index % 3, 0, 16_384 - index // 3 % 300, 0)
        last = b.node(
            f"conv{index}", "binary_conv", (bits,), stride=(3, 1), padding=padding, weight=weight
        )
    b.output("y", last)
    return b.sample()


def many_groups() -> Sample:
    """Convolutions of 65,536 groups, which share their weight."""
    b = Builder(9)
    bits = _signs(b, 1, 1, 65_536)
    weight = b.filters(65_536, 1)
    for index in range(3000):
        last = b.node(f"c{index}", "binary_conv", (bits,), groups=65_536, weight=weight)
    b.output("y", last)
    return b.sample()


def long_chain() -> Sample:
    """Twelve thousand nodes, each of which reads the one before it."""
    b = Builder(10)
    last = b.input("image", "image", 1, 1, 1)
    for index in range(12_000):
        last = b.node(f"n{index}", "identity", (last,))
    b.output("y", last)
    return b.sample()


def many_tensors() -> Sample:
    """Twenty thousand tensors that live until the end."""
    b = Builder(11)
    image = b.input("image", "image", 1, 1, 1)
    made: list[int] = []
    for index in range(320):
        made += b.node(f"n{index}", "identity", (image,), outputs=(REAL,) * 64)
    for index in range(320):
        last = b.node(f"c{index}", "concat", tuple(made[64 * index : 64 * index + 64]))
    b.output("y", last)
    return b.sample()


def large_gather() -> Sample:
    """One window of seven million taps, each a byte of its own."""
    b = Builder(12)
    bits = _signs(b, 3499, 1999, 1)
    weight = b.constant(np.zeros((1, -(-3499 * 1999 // 64)), np.uint64))
    b.output("y", b.node("conv", "binary_conv", (bits,), kernel=(3499, 1999), weight=weight))
    return b.sample()


Make = Callable[[], Sample]
ABSURD: Mapping[str, Make] = {
    make.__name__: make
    for make in (
        *(huge_kernel, dilated_kernel, shared_weights, many_signs, wide_padding),
        *(many_operations, large_panel, many_windows, many_groups),
    )
}
"""Refused with the node's name."""
LONG: Mapping[str, Make] = {
    make.__name__: make for make in (many_tap_sets, long_chain, many_tensors, large_gather)
}
"""Strange, but within the limits: read soon, or refused soon."""
