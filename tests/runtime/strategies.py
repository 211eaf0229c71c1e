"""Hypothesis strategies of cases: each op alone, fully connected layers, networks of any op."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from hypothesis import strategies as st
from tests.runtime.graphs import Builder, Case

from signbit.bitformat.graph import Pair

GROUPS = (1, 1, 1, 2, 3, 5, 8)
EDGES = (1, 7, 8, 16, 31, 32, 33, 63, 64, 65, 96, 127, 128, 129, 192, 200)


def channels_of(build: Builder, groups: int, most: int) -> int:
    """A multiple of groups up to `most`; half of the time at or near a word's edge."""
    channels = build.choose(EDGES) if build.flag() else build.integer(1, most)
    return groups * max(1, min(channels, most) // groups)


def window(build: Builder, largest: int) -> tuple[Pair, dict[str, Pair], Pair]:
    """A kernel, its stride, padding and dilation, and a (height, width) that they fit into."""
    kernel = build.pair(1, largest)
    stride, padding, dilation = build.pair(1, 4), build.pair(0, 4), build.pair(1, 3)
    if build.flag():  # the common kind, where engines have their fast paths
        kernel = build.choose(((1, 1), (3, 3), (3, 3), kernel))
        stride, padding, dilation = (1, 1), (kernel[0] // 2, kernel[1] // 2), (1, 1)
    smallest = [
        max(1, dilation[axis] * (kernel[axis] - 1) + 1 - 2 * padding[axis]) for axis in (0, 1)
    ]
    size = smallest[0] + build.integer(0, 7), smallest[1] + build.integer(0, 7)
    return kernel, {"stride": stride, "padding": padding, "dilation": dilation}, size


def builder(seed: int, newest: bool = False) -> Builder:
    return Builder(np.random.default_rng(seed), newest=newest)


def binary_conv(seed: int, newest: bool = False) -> Case:
    """image → signs → one binary convolution with any epilogue (→ fully connected layer)."""
    build = builder(seed, newest)
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 7)
    build.prepare(build.image((*size, channels_of(build, groups, 200))))
    if build.flag():
        build.global_mean("n0.real")
    out = channels_of(build, groups, build.choose((40, 70, 200)))
    build.binary_conv("n0.bits0", out, kernel, groups, pool=build.flag(), **windows)
    if build.flag():
        build.head()
    return build.case(build.integer(0, 5))


def linear(seed: int) -> Case:
    """image → signs → two fully connected layers: the first spans the image, then 1×1."""
    build = builder(seed)
    size = build.pair(1, 6)
    build.prepare(build.image((*size, channels_of(build, 1, 200))))
    build.binary_conv("n0.bits0", channels_of(build, 1, 150), size)
    build.head()
    return build.case(build.integer(0, 5))


def real_conv(seed: int, newest: bool = False) -> Case:
    """image → one real convolution, on pixels or on reals; the newest also on signs."""
    build = builder(seed, newest)
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 5)
    source = build.image((*size, groups * build.integer(1, 3)))
    build.prepare(source)
    if newest and build.flag():
        source = "n0.bits0"
    elif build.flag():
        source = "n0.real"
    build.real_conv(
        source, channels_of(build, groups, build.choose((40, 140))), kernel, groups, **windows
    )
    return build.case(build.integer(0, 5))


def int16_stem(seed: int) -> Case:
    """image → one convolution of pixels with int16 weights (→ fully connected layer)."""
    build = builder(seed)
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 7)
    source = build.image((*size, groups * build.choose((1, 2, 3, 3, 3, 4))))
    out = channels_of(build, groups, build.choose((40, 140)))
    build.int16_stem(source, out, kernel, groups, **windows)
    if build.of_kind("bits"):
        build.head()
    return build.case(build.integer(0, 5))


def network(seed: int, newest: bool = False) -> Case:
    """image → signs → three to eight nodes of any op, each reading any tensor there is."""
    return _network(builder(seed, newest), stems=0)


def int16_network(seed: int) -> Case:
    """As `network`, with one or two int16 stems beside the first signs."""
    build = builder(seed)
    return _network(build, stems=build.integer(1, 2))


def _network(build: Builder, stems: int) -> Case:
    build.prepare(build.image((*build.pair(1, 12), channels_of(build, 1, 70))))
    for _ in range(stems):
        _small_conv(build, "image", build.int16_stem)
    for _ in range(build.integer(3, 8)):
        _any_node(build)
    build.head()
    return build.case(build.integer(0, 5))


def banded(seed: int, newest: bool = False) -> Case:
    """image → a large real tensor that only the pool behind it reads (→ fully connected layer)."""
    build = builder(seed, newest)
    source = build.image((build.integer(33, 44), build.integer(48, 56), 3))
    build.prepare(source)
    build.most_signs = 0
    kind = build.integer(0, 2)
    if kind == 0:
        build.int16_stem(source, 64, (3, 3), padding=(1, 1))
    elif kind == 1:
        build.real_conv("n0.real", 64, (3, 3), padding=(1, 1))
    else:
        build.binary_conv("n0.bits0", 64, (3, 3), padding=(1, 1))
    build.most_signs = 2
    source = build.of_kind("real")[-1]
    build.pool(build.choose(("max_pool", "max_pool", "avg_pool")), source, plain=build.flag())
    if len(build.of_kind("bits")) > 1:
        build.head()
    return build.case(build.integer(1, 2))


def pooled_stem(seed: int) -> Case:
    """image → one convolution, on pixels or on reals → a plain pool of its reals alone."""
    build = builder(seed)
    groups = build.choose((1, 1, 1, 2))
    kernel, windows, size = window(build, 7)
    source = build.image((*size, groups * build.choose((1, 2, 3, 3))))
    build.most_signs = 0
    convolve = build.choose((build.int16_stem, build.real_conv))
    convolve(source, channels_of(build, groups, 140), kernel, groups, **windows)
    if "n0.scale" in build.constants and build.flag():  # no zeros, of any sign, or some
        for name in ("n0.scale", "n0.shift"):
            constant = build.constants[name]
            build.constants[name] = np.where(constant == 0, np.float32(0.25), constant)
    build.pool("max_pool", "n0.real", plain=True)
    return build.case(build.integer(0, 3))


def binarized(seed: int) -> Case:
    """image → reals, their mean, signs made for the one binary convolution that reads them, …"""
    build = builder(seed)
    channels = build.choose((3, 8, 16, 16, 20, 32, 32, 64))
    build.prepare(build.image((*build.pair(9, 30), channels)))
    build.most_signs = 0
    source = "n0.real"
    for _ in range(build.integer(1, 3)):
        shift = None
        if build.flag():
            build.global_mean(source)
            shift = build.of_kind("real")[-1]
        build.binarize("image" if shift is None and build.flag() else source, shift)
        signs = build.find(build.of_kind("bits")[-1])
        groups = build.choose([g for g in (1, 1, 1, 2, 4) if signs.channels % g == 0])
        kernel = build.choose(((1, 1), (3, 3), (3, 3), (5, 5), (3, 1), (1, 5)))
        windows = {"stride": build.pair(1, 2), "padding": build.pair(0, 2)}
        windows["dilation"] = build.pair(1, 2)
        if build.flag() or min(signs.height, signs.width) < 9:  # the common kind
            kernel, windows = (3, 3), {"padding": (1, 1)}
        out = build.choose((16, 32, 64, groups * build.integer(1, 10)))
        build.binary_conv(signs.name, out, kernel, groups, pool=build.flag(), **windows)
        source = build.of_kind("real")[-1]
    if build.flag():
        build.global_mean(source)
    return build.case(build.integer(1, 2))


def real_head(seed: int) -> Case:
    """image → a fully connected layer on reals at the end, for few images or many."""
    build = builder(seed)
    build.prepare(build.image((*build.pair(1, 2), build.integer(1, 40))))
    build.most_signs = 0
    if build.flag():
        build.global_mean("n0.real")
    source = build.of_kind("real")[-1]
    tensor = build.find(source)
    build.real_conv(source, build.integer(1, 140), (tensor.height, tensor.width))
    return build.case(build.choose((0, 1, 2, 3, 7, 63, 66, 131)))


def residual(seed: int, newest: bool = False) -> Case:
    """image → nodes of one shape that add each other up, so that sums may overwrite operands."""
    build = builder(seed, newest)
    channels = build.choose((16, 32, 48, 64, 128))
    build.prepare(build.image((*build.pair(1, 12), channels)))
    for _ in range(build.integer(2, 6)):
        if build.flag():
            source = build.of_kind("bits")[-1]
            build.binary_conv(source, channels, (3, 3), padding=(1, 1))
        else:
            build.pointwise(build.choose(build.of_kind("real")))
    build.head()
    return build.case(build.integer(0, 3))


_OPS = (
    "binary_conv",
    "binary_conv",
    "real_conv",
    "max_pool",
    "avg_pool",
    "global_mean",
    "pointwise",
)


_NEWEST_OPS = (*_OPS, "sign_sum", "mean_abs")


def _any_node(build: Builder) -> None:
    op = build.choose(_NEWEST_OPS if build.newest else _OPS)
    real, bits = build.of_kind("real"), build.of_kind("bits")
    if op == "binary_conv":
        pooled = partial(build.binary_conv, pool=build.flag())
        _small_conv(build, build.choose(bits), pooled)
    elif op == "real_conv":
        _small_conv(build, build.choose(real + bits if build.newest else real), build.real_conv)
    elif op == "sign_sum":
        _small_conv(build, build.choose(bits), build.small_sign_sum)
    elif op == "mean_abs":
        build.mean_abs(build.choose(real))
    elif op == "max_pool":
        build.pool(op, build.choose(real + bits))
    elif op == "avg_pool":
        build.pool(op, build.choose(real))
    elif op == "global_mean":
        build.global_mean(build.choose(real))
    else:
        build.pointwise(build.choose(["image", *real]))


def _small_conv(build: Builder, source: str, convolve: Callable[..., None]) -> None:
    tensor = build.find(source)
    groups = 1
    if tensor.channels % 2 == 0 and build.flag():
        groups = 2
    out = groups * build.integer(1, 12)
    kernel = build.integer(1, min(3, tensor.height)), build.integer(1, min(3, tensor.width))
    stride, padding = build.pair(1, 2), build.pair(0, 1)
    convolve(source, out, kernel, groups, stride=stride, padding=padding)


SEEDS = st.integers(0, 2**63 - 1)

binary_convs = st.builds(binary_conv, SEEDS)
linears = st.builds(linear, SEEDS)
real_convs = st.builds(real_conv, SEEDS)
int16_stems = st.builds(int16_stem, SEEDS)
binarizeds = st.builds(binarized, SEEDS)
bandeds = st.builds(banded, SEEDS)
pooled_stems = st.builds(pooled_stem, SEEDS)
real_heads = st.builds(real_head, SEEDS)
residuals = st.builds(residual, SEEDS)
networks = st.builds(network, SEEDS)
int16_networks = st.builds(int16_network, SEEDS)
