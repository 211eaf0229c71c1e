"""Convolutions of the reference against PyTorch, hand-written loops and numbers by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime import oracle
from tests.runtime.graphs import Case
from tests.runtime.reference.kinds import Conv, around, convs, nchw, nhwc
from tests.runtime.reference.one_node import BITS, run_dots, run_node, run_outputs
from tests.runtime.strategies import binary_convs, linears, networks

from signbit.bitformat import pack_bits
from signbit.bitformat.exact import fma
from signbit.bitformat.graph import Node
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

OUTSIDE = {"none": 0, "positive": 1, "negative": -1}

few = settings(derandomize=True, deadline=None, max_examples=60)


def signs_of(rng: np.random.Generator, *shape: int) -> Array:
    return np.where(rng.random(shape) < 0.4, -1, 1).astype(BITS)


def packed(signs: Array) -> Array:
    return pack_bits(signs.reshape(len(signs), -1) < 0)


def torch_conv(conv: Conv, x: Array, weight: Array, value: float = 0.0) -> Array:
    """PyTorch's float64 convolution, after F.pad with a value."""
    padded = around(nchw(x), conv.padding, value)
    filters = nchw(weight)  # (out, kh, kw, in) → (out, in, kh, kw)
    result = F.conv2d(
        padded, filters, stride=conv.stride, dilation=conv.dilation, groups=conv.groups
    )
    return nhwc(result)


@few
@given(conv=convs(), pad_sign=st.sampled_from(tuple(OUTSIDE)))
def test_dots_are_exact(conv: Conv, pad_sign: str) -> None:
    """PyTorch pads with −1, 0 or +1; its float64 sums of signs are exact. So are the loops."""
    rng = np.random.default_rng(conv.seed)
    x, weight = signs_of(rng, *conv.shape), signs_of(rng, *conv.weight_shape)
    keys = {**conv.windows, "pad_sign": pad_sign, "weight": packed(weight)}
    dots, value = run_dots("binary_conv", x, **keys), run_node("binary_conv", x, **keys)
    assert dots.dtype == np.int32
    np.testing.assert_array_equal(dots, torch_conv(conv, x, weight, OUTSIDE[pad_sign]))
    by_loops = oracle.binary_conv(x, weight, *conv.loops, outside=OUTSIDE[pad_sign])
    np.testing.assert_array_equal(dots, by_loops)
    assert value.dtype == np.float32
    np.testing.assert_array_equal(value, dots)


@few
@given(conv=convs(), data=st.data())
def test_dots_are_pooled_by_their_maximum(conv: Conv, data: st.DataObject) -> None:
    rng = np.random.default_rng(conv.seed)
    x, weight = signs_of(rng, *conv.shape), signs_of(rng, *conv.weight_shape)
    dots = torch_conv(conv, x, weight)
    kernel = tuple(data.draw(st.integers(1, min(3, size))) for size in dots.shape[1:3])
    stride = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    keys = {**conv.windows, "pool_kernel": kernel, "pool_stride": stride}
    pooled = run_node("binary_conv", x, **keys, weight=packed(weight))
    np.testing.assert_array_equal(pooled, oracle.pool_max(dots, kernel, stride))
    np.testing.assert_array_equal(pooled, nhwc(F.max_pool2d(nchw(dots), kernel, stride)))
    all_dots = run_dots("binary_conv", x, **keys, weight=packed(weight))
    np.testing.assert_array_equal(all_dots, dots)


@few
@given(conv=convs(), pad=st.booleans())
def test_real_convolutions_are_near_float64_sums(conv: Conv, pad: bool) -> None:
    rng = np.random.default_rng(conv.seed)
    x = rng.standard_normal(conv.shape).astype(np.float32)
    weight = rng.standard_normal(conv.weight_shape).astype(np.float32)
    value = rng.standard_normal(x.shape[3]).astype(np.float32) if pad else None
    keys = {} if value is None else {"pad_value": value}
    actual = run_node("real_conv", x, **conv.windows, weight=weight, **keys)
    expected = oracle.real_conv(x, weight, *conv.loops, pad=value)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-4)
    if value is None:
        np.testing.assert_allclose(actual, torch_conv(conv, x, weight), rtol=1e-5, atol=1e-4)


@few
@given(conv=convs())
def test_real_convolutions_of_signs_and_with_signs(conv: Conv) -> None:
    """The chain is that of the same values as reals; a tap outside is its channel's pad_value."""
    rng = np.random.default_rng(conv.seed)
    signs, weight_signs = signs_of(rng, *conv.shape), signs_of(rng, *conv.weight_shape)
    weight = rng.standard_normal(conv.weight_shape).astype(np.float32)
    pad = rng.standard_normal(conv.shape[3]).astype(np.float32)
    x = rng.standard_normal(conv.shape).astype(np.float32)

    def convolved(x: Array, weight: Array) -> Array:
        return run_node("real_conv", x, **conv.windows, weight=weight, pad_value=pad)

    reals, unpacked = signs.astype(np.float32), weight_signs.astype(np.float32)
    packed_weight = packed(weight_signs)
    np.testing.assert_array_equal(convolved(signs, weight), convolved(reals, weight))
    np.testing.assert_array_equal(convolved(x, packed_weight), convolved(x, unpacked))
    np.testing.assert_array_equal(convolved(signs, packed_weight), convolved(reals, unpacked))


def test_real_convolution_chains_fma_in_order() -> None:
    """Over rows, then columns, then channels; a tap outside reads its channel's pad_value."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 3, 4, 2)).astype(np.float32)
    weight = rng.standard_normal((3, 2, 2, 2)).astype(np.float32)
    pad = np.float32([0.7, -1.3])
    keys = {"kernel": (2, 2), "stride": (2, 1), "padding": (1, 1, 1, 1), "dilation": (1, 2)}
    actual = run_node("real_conv", x, **keys, weight=weight, pad_value=pad)
    assert actual.shape == (2, 2, 4, 3)
    for n, y, z, c in np.ndindex(actual.shape):
        acc = np.float32(0)
        for ky, kx, channel in np.ndindex(2, 2, 2):
            row, column = 2 * y - 1 + ky, z - 1 + 2 * kx
            inside = 0 <= row < 3 and 0 <= column < 4
            pixel = x[n, row, column, channel] if inside else pad[channel]
            acc = fma(pixel, weight[c, ky, kx, channel], acc)
        assert actual[n, y, z, c] == acc


@few
@given(conv=convs(), pad=st.booleans())
def test_int16_stems_are_exact(conv: Conv, pad: bool) -> None:
    rng = np.random.default_rng(conv.seed)
    x = rng.integers(0, 256, conv.shape).astype(np.uint8)
    weight = rng.integers(-8191, 8192, conv.weight_shape).astype(np.int16)
    value = rng.integers(0, 256, x.shape[3]).astype(np.uint8) if pad else None
    keys = {} if value is None else {"pad_value": value}
    sums = run_dots("real_conv", x, **conv.windows, weight=weight, **keys)
    assert sums.dtype == np.int32
    outside = np.zeros(x.shape[3], np.uint8) if value is None else value
    expected = oracle.pixel_conv(x, weight, outside, *conv.loops)
    np.testing.assert_array_equal(sums, expected)
    values = run_node("real_conv", x, **conv.windows, weight=weight, **keys)
    np.testing.assert_array_equal(values, expected.astype(np.float32))


@few
@given(conv=convs())
def test_sign_sums(conv: Conv) -> None:
    rng = np.random.default_rng(conv.seed)
    signs = signs_of(rng, *conv.shape)
    ones = np.ones((conv.groups, *conv.kernel, conv.per_group))
    sums = run_node("sign_sum", signs, **conv.windows)
    np.testing.assert_array_equal(sums, torch_conv(conv, signs, ones))
    np.testing.assert_array_equal(sums, oracle.real_conv(signs, ones, *conv.loops))


@pytest.mark.parametrize("flips", [None, [0, 1, 0, 1]])
def test_integer_thresholds_compare_dots(flips: list[int] | None) -> None:
    """Whatever the steps do. A real threshold compares v after its steps, with 0 if left out."""
    x = np.int8([1, -1]).reshape(1, 1, 2, 1)
    weight = packed(np.int8([1, -1, 1, -1]).reshape(4, 1, 1, 1))
    dots = np.array([[1, -1, 1, -1], [-1, 1, -1, 1]])
    scale, shift = np.float32([-1, -1, 1, 1]), np.float32([0.5, 0.5, 0.5, -1])
    thresholds = np.int32([1, 1, 2, -1])
    flip = {} if flips is None else {"flip": np.uint8(flips)}
    integer, of_v, real, of_dots = run_outputs(
        "binary_conv",
        x,
        weight=weight,
        steps=[("affine", {"scale": scale, "shift": shift})],
        outputs=[
            {"kind": "signs", "after": 0, "threshold": thresholds, **flip},
            {"kind": "signs", "threshold": np.float32([0.5, 0, 1.5, 0]), **flip},
            {"kind": "real"},
            {"kind": "signs", "after": 0},
        ],
    )
    flipped = np.zeros(4, bool) if flips is None else np.array(flips, bool)
    v = dots * scale + shift
    np.testing.assert_array_equal(integer[0, 0], (dots < thresholds) != flipped)
    np.testing.assert_array_equal(of_v[0, 0], (v < [0.5, 0, 1.5, 0]) != flipped)
    np.testing.assert_array_equal(real[0, 0], v)
    np.testing.assert_array_equal(of_dots[0, 0], dots < 0)


def check_dots(case: Case) -> None:
    """Every binary convolution's dots, and their integer thresholds, are the oracle's."""
    values = ReferenceEngine(case.data).run_nodes(case.feeds, case.fetches)
    for node, numbers in zip(case.graph.nodes, case.written(), strict=True):
        if node.op != "binary_conv":
            continue
        dots = dots_of(case, node, values[node.inputs[0]])
        assert values[f"{node.name}#dots"].dtype == np.int32
        np.testing.assert_array_equal(values[f"{node.name}#dots"], dots)
        pooled = oracle.pool_max(dots, node["pool_kernel"], node["pool_stride"])
        for number, output in zip(numbers, node.outputs, strict=True):
            if output.threshold is None:
                continue
            threshold = case.constants[str(output.threshold)]
            if threshold.dtype == np.int32:
                flip = 0 if output.flip is None else case.constants[str(output.flip)]
                np.testing.assert_array_equal(values[number], (pooled < threshold) ^ flip)


def dots_of(case: Case, node: Node, bits: Array) -> Array:
    channels = case.tensors[node.inputs[0]].shape[2] // node["groups"]
    taps = node["kernel"][0] * node["kernel"][1] * channels
    weight = oracle.weight_signs(case.constants[str(node["weight"])], taps)
    return oracle.binary_conv(
        1 - 2 * bits.astype(np.int64),
        weight.reshape(len(weight), *node["kernel"], channels),
        node["stride"],
        node["padding"],
        node["dilation"],
        node["groups"],
        OUTSIDE[node["pad_sign"]],
    )


@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=binary_convs)
def test_dots_of_random_convolutions(case: Case) -> None:
    check_dots(case)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(case=linears)
def test_dots_of_fully_connected_layers(case: Case) -> None:
    check_dots(case)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(case=networks)
def test_dots_in_networks(case: Case) -> None:
    check_dots(case)
