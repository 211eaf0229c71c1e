"""Cases of the chains of nodes that engines run in ways of their own; each made from a seed."""

from __future__ import annotations

from typing import Any

from tests.runtime.graphs import Builder, Case
from tests.runtime.random_graphs.one_operation import channels_of, image, window


def banded(seed: int) -> Case:
    """image → a large real tensor that only the pool behind it reads (→ fully connected layer)."""
    build = Builder(seed)
    pixels, real, bits = image(build, (build.integer(33, 44), build.integer(48, 56), 3))
    build.most_signs = 0
    kind = build.integer(0, 2)
    padding = (1, 1, 1, 1)
    if kind == 0:
        numbers = build.int16_stem(pixels, 64, (3, 3), padding=padding)
    elif kind == 1:
        numbers = build.real_conv(real, 64, (3, 3), padding=padding)
    else:
        numbers = build.binary_conv(bits, 64, (3, 3), padding=padding)
    build.most_signs = 2
    op = build.choose(("max_pool", "max_pool", "avg_pool"))
    build.pool(op, numbers[-1], plain=build.flag())
    if len(build.of_kind("bits")) > 1:
        build.head()
    return build.case(build.integer(1, 2))


def pooled_stem(seed: int) -> Case:
    """image → one convolution, on pixels or on reals → a plain pool of its reals alone."""
    build = Builder(seed)
    build.any_steps = 0.1
    groups = build.choose((1, 1, 1, 2))
    kernel, windows, size = window(build, 7)
    source = build.input("image", (*size, groups * build.choose((1, 2, 3, 3))))
    build.most_signs = 0
    convolve = build.choose((build.int16_stem, build.real_conv))
    (real,) = convolve(source, channels_of(build, groups, 140), kernel, groups, **windows)
    if build.flag():  # no zeros, of any sign, among scales and shifts
        for step in build.nodes[-1].steps:
            if step.op == "affine":
                for key in ("scale", "shift"):
                    constant = build.constants[str(step[key])]
                    constant[constant == 0] = 0.25
    build.pool("max_pool", real, plain=True)
    return build.case(build.integer(0, 3))


def binarized(seed: int) -> Case:
    """image → reals, their mean, signs made for the one binary convolution that reads them, …"""
    build = Builder(seed)
    channels = build.choose((3, 8, 16, 16, 20, 32, 32, 64))
    pixels, real, _ = image(build, (*build.pair(9, 30), channels))
    build.most_signs = 0
    for _ in range(build.integer(1, 3)):
        shift = build.simple("global_mean", real)[0] if build.flag() else None
        bits = build.binarize(pixels if shift is None and build.flag() else real, shift)
        height, width, depth = build.shape(bits)
        groups = build.choose([g for g in (1, 1, 1, 2, 4) if depth % g == 0])
        kernel = build.choose(((1, 1), (3, 3), (3, 3), (5, 5), (3, 1), (1, 5)))
        windows: dict[str, Any] = {"stride": build.pair(1, 2), "dilation": build.pair(1, 2)}
        windows["padding"] = tuple(build.integer(0, 2) for _ in range(4))
        if build.flag() or min(height, width) < 9:  # the common kind
            kernel, windows = (3, 3), {"padding": (1, 1, 1, 1)}
        out = build.choose((16, 32, 64, groups * build.integer(1, 10)))
        real = build.binary_conv(bits, out, kernel, groups, pool=build.flag(), **windows)[-1]
    if build.flag():
        build.simple("global_mean", real)
    return build.case(build.integer(1, 2))


def residual(seed: int) -> Case:
    """image → nodes of one shape that add each other up, so that sums may overwrite operands."""
    build = Builder(seed)
    channels = build.choose((16, 32, 48, 64, 128))
    image(build, (*build.pair(1, 12), channels))
    for _ in range(build.integer(2, 6)):
        if build.flag():
            source = build.of_kind("bits")[-1]
            build.binary_conv(source, channels, (3, 3), padding=(1, 1, 1, 1))
        else:
            build.identity(build.choose(build.of_kind("real")))
    build.head()
    return build.case(build.integer(0, 3))


def widened(seed: int) -> Case:
    """image → signs → convolutions of whole words of filters that add a narrower tensor, repeated.

    Their activations are those that an engine may finish in registers, with and without an offset.
    """
    build = Builder(seed)
    channels = build.choose((16, 32, 48, 64, 128))
    image(build, (*build.pair(1, 9), channels))
    build.most_signs = build.choose((0, 1, 1))
    for _ in range(build.integer(1, 3)):
        source = build.of_kind("bits")[-1]
        kernel = build.choose(((1, 1), (3, 3)))
        build.wide_conv(source, channels * build.choose((1, 1, 2, 3)), kernel)
    build.head()
    return build.case(build.integer(1, 3))
