"""Hypothesis strategies of cases with the parts that only the newest format version has."""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st
from tests.runtime.graphs import Case
from tests.runtime.strategies import (
    GROUPS,
    SEEDS,
    banded,
    binary_conv,
    builder,
    channels_of,
    network,
    real_conv,
    residual,
    window,
)

POINT = {"kernel": (1, 1), "stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}


def widened(seed: int) -> Case:
    """image → signs → convolutions of whole words of filters that add a narrower tensor, repeated.

    Their activations are those that an engine may finish in registers, with and without an offset.
    """
    build = builder(seed, newest=True)
    channels = build.choose((16, 32, 48, 64, 128))
    build.prepare(build.image((*build.pair(1, 9), channels)))
    build.most_signs = build.choose((0, 1, 1))
    for _ in range(build.integer(1, 3)):
        source = build.of_kind("bits")[-1]
        kernel = build.choose(((1, 1), (3, 3)))
        out = channels * build.choose((1, 1, 2, 3))
        build.wide_conv(source, out, kernel)
    build.head()
    return build.case(build.integer(1, 3))


def adjusted(seed: int) -> Case:
    """image → signs → one binary convolution of any windows with most of map, sums and borders."""
    build = builder(seed, newest=True)
    build.parts = 0.8
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 5)
    build.prepare(build.image((*size, channels_of(build, groups, 130))))
    out = channels_of(build, groups, build.choose((40, 150)))
    build.binary_conv("n0.bits0", out, kernel, groups, **windows)
    return build.case(build.integer(0, 3))


def multiplied(seed: int) -> Case:
    """image → reals → a value a pixel → the image or the reals, times it."""
    build = builder(seed, newest=True)
    build.parts = 0.9
    image = build.image((*build.pair(1, 9), channels_of(build, 1, 150)))
    build.prepare(image)
    build.sign_sum("n0.bits0", {"groups": 1, **POINT}, stored=True)
    build.pointwise(build.choose((image, "n0.real", "n0.real")))
    return build.case(build.integer(0, 4))


def sign_sum(seed: int) -> Case:
    """image → signs → the sums of their groups in any windows, and the means of magnitudes."""
    build = builder(seed, newest=True)
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 7)
    build.prepare(build.image((*size, channels_of(build, groups, 200))))
    build.sign_sum("n0.bits0", {"kernel": kernel, "groups": groups, **windows})
    build.mean_abs("n0.real")
    return build.case(build.integer(0, 4))


binary_convs = st.builds(partial(binary_conv, newest=True), SEEDS)
real_convs = st.builds(partial(real_conv, newest=True), SEEDS)
networks = st.builds(partial(network, newest=True), SEEDS)
bandeds = st.builds(partial(banded, newest=True), SEEDS)
residuals = st.builds(partial(residual, newest=True), SEEDS)
wideneds = st.builds(widened, SEEDS)
adjusteds = st.builds(adjusted, SEEDS)
multiplieds = st.builds(multiplied, SEEDS)
sign_sums = st.builds(sign_sum, SEEDS)
