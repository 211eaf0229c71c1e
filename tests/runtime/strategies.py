"""Hypothesis strategies of cases: each op alone, fully connected layers, small networks."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from tests.runtime.graphs import Builder, Case

from signbit.bitformat.graph import Pair

SEEDS = st.integers(0, 2**32 - 1)
BATCHES = st.integers(0, 5)
GROUPS = st.sampled_from((1, 1, 1, 2, 3, 5, 8))


def _builder(draw: st.DrawFn) -> Builder:
    return Builder(draw, np.random.default_rng(draw(SEEDS)))


def _window(build: Builder, largest: int) -> tuple[Pair, dict[str, Pair], Pair]:
    """A kernel, its stride, padding and dilation, and a (height, width) that they fit into."""
    kernel, stride = build.pair(1, largest), build.pair(1, 4)
    padding, dilation = build.pair(0, 4), build.pair(1, 3)
    smallest = [
        max(1, dilation[axis] * (kernel[axis] - 1) + 1 - 2 * padding[axis]) for axis in (0, 1)
    ]
    size = smallest[0] + build.integer(0, 7), smallest[1] + build.integer(0, 7)
    return kernel, {"stride": stride, "padding": padding, "dilation": dilation}, size


@st.composite
def binary_convs(draw: st.DrawFn) -> Case:
    """image → signs → one binary convolution with any epilogue (→ fully connected layer)."""
    build = _builder(draw)
    groups = draw(GROUPS)
    channels = groups * build.integer(1, 200 // groups)
    out = groups * build.integer(1, 70 // groups)
    kernel, windows, size = _window(build, 7)
    build.prepare(build.image((*size, channels)))
    if build.flag():
        build.global_mean("n0.real")
    build.binary_conv("n0.bits0", out, kernel, groups, pool=build.flag(), **windows)
    if build.flag():
        build.head()
    return build.case(draw(BATCHES))


@st.composite
def linears(draw: st.DrawFn) -> Case:
    """image → signs → two fully connected layers: the first spans the image, then 1×1."""
    build = _builder(draw)
    size = build.pair(1, 6)
    build.prepare(build.image((*size, build.integer(1, 200))))
    build.binary_conv("n0.bits0", build.integer(1, 150), size)
    build.head()
    return build.case(draw(BATCHES))


@st.composite
def real_convs(draw: st.DrawFn) -> Case:
    """image → one real convolution, on pixels or on reals."""
    build = _builder(draw)
    groups = draw(GROUPS)
    kernel, windows, size = _window(build, 5)
    source = build.image((*size, groups * build.integer(1, 3)))
    build.prepare(source)
    if build.flag():
        source = "n0.real"
    build.real_conv(source, groups * build.integer(1, 40 // groups), kernel, groups, **windows)
    return build.case(draw(BATCHES))


@st.composite
def networks(draw: st.DrawFn) -> Case:
    """image → signs → three to eight nodes of any op, each reading any tensor there is."""
    build = _builder(draw)
    build.prepare(build.image((build.integer(1, 12), build.integer(1, 12), build.integer(1, 40))))
    for _ in range(build.integer(3, 8)):
        _any_node(build)
    build.head()
    return build.case(draw(BATCHES))


_OPS = (
    "binary_conv",
    "binary_conv",
    "real_conv",
    "max_pool",
    "avg_pool",
    "global_mean",
    "pointwise",
)


def _any_node(build: Builder) -> None:
    op = build.draw(st.sampled_from(_OPS))
    real, bits = build.of_kind("real"), build.of_kind("bits")
    if op == "binary_conv":
        _small_conv(build, build.draw(st.sampled_from(bits)), binary=True)
    elif op == "real_conv":
        _small_conv(build, build.draw(st.sampled_from(real)), binary=False)
    elif op == "max_pool":
        build.pool(op, build.draw(st.sampled_from(real + bits)))
    elif op == "avg_pool":
        build.pool(op, build.draw(st.sampled_from(real)))
    elif op == "global_mean":
        build.global_mean(build.draw(st.sampled_from(real)))
    else:
        build.pointwise(build.draw(st.sampled_from(["image", *real])))


def _small_conv(build: Builder, source: str, binary: bool) -> None:
    tensor = build.find(source)
    groups = 1
    if tensor.channels % 2 == 0 and build.flag():
        groups = build.groups.get(source, 2)
    out = groups * build.integer(1, 12)
    kernel = build.integer(1, min(3, tensor.height)), build.integer(1, min(3, tensor.width))
    stride, padding = build.pair(1, 2), build.pair(0, 1)
    if binary:
        pool = build.flag()
        build.binary_conv(source, out, kernel, groups, pool, stride=stride, padding=padding)
    else:
        build.real_conv(source, out, kernel, groups, stride=stride, padding=padding)
