"""Each shape rule against the slow way: windows placed one by one, values moved by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signbit.bitformat.graph import Node, Shape
from signbit.bitformat.shapes import SHAPE_RULES, check_shape
from signbit.bitformat.table import OPERATIONS
from signbit.errors import ModelFileError

small = st.integers(1, 4)
pairs = st.tuples(small, small)
sides = st.tuples(*[st.integers(0, 4)] * 4)
shapes = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6))


def shape_of(op: str, *inputs: Shape, filters: int = 0, **keys: Any) -> Shape:
    node = Node("n", op, tuple(range(len(inputs))), keys)
    return SHAPE_RULES[OPERATIONS[op].shape](node, inputs, filters, "n")


def starts(
    size: int, kernel: int, stride: int, before: int, after: int, dilation: int
) -> list[int]:
    """Where windows begin in the image, each wholly inside the padded input."""
    reach = dilation * (kernel - 1)
    return [at for at in range(-before, size + after, stride) if at + reach < size + after]


def axes(shape: Shape, keys: dict[str, Any]) -> list[tuple[int, int, int, int, int, int]]:
    kernel, stride, padding = keys["kernel"], keys["stride"], keys["padding"]
    dilation = keys.get("dilation", (1, 1))
    return [
        (shape[i], kernel[i], stride[i], padding[i], padding[i + 2], dilation[i]) for i in (0, 1)
    ]


@settings(derandomize=True, deadline=None, max_examples=300)
@given(shape=shapes, kernel=pairs, stride=pairs, padding=sides, dilation=pairs, groups=small)
def test_windows(
    shape: Shape, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> None:
    keys = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    counts = [len(starts(*axis)) for axis in axes(shape, keys)]
    keys["groups"] = groups
    if 0 in counts:
        for op in ("real_conv", "binary_conv", "sign_sum"):
            with pytest.raises(ModelFileError, match=r"^n\.kernel: does not fit"):
                shape_of(op, shape, **keys)
        return
    assert shape_of("real_conv", shape, filters=5, **keys) == (*counts, 5)
    assert shape_of("binary_conv", shape, filters=5, **keys) == (*counts, 5)
    assert shape_of("sign_sum", shape, **keys) == (*counts, groups)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(shape=shapes, kernel=pairs, stride=pairs)
def test_pools_of_dots(shape: Shape, kernel: Any, stride: Any) -> None:
    keys = {"kernel": kernel, "stride": stride, "padding": (0, 0, 0, 0)}
    counts = [len(starts(*axis)) for axis in axes(shape, keys)]
    pool = {"pool_kernel": kernel, "pool_stride": stride}
    if 0 in counts:
        with pytest.raises(ModelFileError, match=r"^n\.pool_kernel: does not fit"):
            shape_of("binary_conv", shape, **pool)
    else:
        assert shape_of("binary_conv", shape, filters=7, **pool) == (*counts, 7)


@settings(derandomize=True, deadline=None, max_examples=600)
@given(
    shape=shapes,
    kernel=pairs,
    stride=pairs,
    padding=sides,
    dilation=pairs,
    ceil=st.booleans(),
    op=st.sampled_from(["max_pool", "avg_pool"]),
)
def test_every_window_of_a_pool_has_a_tap_inside(
    shape: Shape, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, op: str
) -> None:
    keys: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": padding}
    if op == "max_pool":
        keys["dilation"] = dilation
    try:
        yielded = shape_of(op, shape, **keys, ceil=ceil)
    except ModelFileError as error:
        assert str(error).partition(": ")[0] in ("n.kernel", "n.padding", "n.dilation")  # noqa: PT017
        return
    assert yielded[2] == shape[2]
    for count, axis in zip(yielded, axes(shape, keys), strict=False):
        size, taps, step, before, after, apart = axis
        begins = starts(*axis)
        if ceil:  # a last one, which begins before the padding that follows
            last = begins[-1] + step
            wanted = last < size and begins[-1] + apart * (taps - 1) < size + after - 1
            begins += [last] * wanted
        assert count == len(begins)
        for begin in begins:
            assert any(0 <= begin + tap * apart < size for tap in range(taps)), (begin, before)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(shape=shapes, block=small)
def test_blocks(shape: Shape, block: int) -> None:
    height, width, channels = shape
    if height % block or width % block:
        with pytest.raises(ModelFileError, match=r"^n\.block: "):
            shape_of("space_to_depth", shape, block=block)
    else:
        x = np.zeros(shape).reshape(height // block, block, width // block, block, channels)
        deep = x.transpose(0, 2, 4, 1, 3).reshape(height // block, width // block, -1)
        assert shape_of("space_to_depth", shape, block=block) == deep.shape
        assert shape_of("depth_to_space", deep.shape, block=block) == shape
    if channels % block**2:
        with pytest.raises(ModelFileError, match=r"^n\.block: "):
            shape_of("depth_to_space", shape, block=block)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(shape=shapes, rows=small, count=small)
def test_values_in_other_pixels(shape: Shape, rows: int, count: int) -> None:
    x = np.zeros(shape)
    if x.size % (rows * count):
        with pytest.raises(ModelFileError, match=r"^n\.count: times"):
            shape_of("reshape", shape, rows=rows, count=count)
    else:
        wanted = x.reshape(rows, -1, count).shape
        assert shape_of("reshape", shape, rows=rows, count=count) == wanted


@settings(derandomize=True, deadline=None, max_examples=200)
@given(shape=shapes, other=shapes, factor=pairs, first=st.integers(0, 6), count=small)
def test_what_moves_values(shape: Shape, other: Shape, factor: Any, first: int, count: int) -> None:
    x, y = np.zeros(shape), np.zeros(other)
    assert shape_of("identity", shape) == x.shape
    assert shape_of("softmax", shape) == x.shape
    assert shape_of("l2_normalise", shape) == x.shape
    assert shape_of("flatten", shape) == (1, 1, x.size)
    assert shape_of("layer_norm", shape) == x.shape
    assert shape_of("transpose", shape) == x.swapaxes(1, 2).shape
    assert shape_of("transpose", shape, whole_pixels=True) == x.swapaxes(0, 1).shape
    assert (
        shape_of("upsample", shape, factor=factor)
        == x.repeat(factor[0], 0).repeat(factor[1], 1).shape
    )
    for op in ("global_mean", "global_max"):
        assert shape_of(op, shape) == x.mean((0, 1), keepdims=True).shape
    assert shape_of("mean_abs", shape) == x.mean(2, keepdims=True).shape
    if shape[:2] == other[:2]:
        assert shape_of("concat", shape, other, shape) == np.concatenate([x, y, x], 2).shape
    else:
        with pytest.raises(ModelFileError, match=r"^n\.inputs\[1\]: "):
            shape_of("concat", shape, other, shape)
    part = x[:, :, first : first + count]
    if part.shape[2] == count:
        assert shape_of("slice", shape, first=first, count=count) == part.shape
    else:
        with pytest.raises(ModelFileError, match=r"^n\.count: ends at channel"):
            shape_of("slice", shape, first=first, count=count)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(shape=shapes, other=shapes, over_pixels=st.booleans())
def test_products(shape: Shape, other: Shape, over_pixels: bool) -> None:
    x, y = np.zeros(shape), np.zeros(other)
    y = y if over_pixels else y.swapaxes(1, 2)
    if len(x) == len(y) and x.shape[2] == y.shape[1]:
        assert shape_of("matmul", shape, other, over_pixels=over_pixels) == (x @ y).shape
    else:
        with pytest.raises(ModelFileError, match=r"^n\.inputs\[1\]: has \d+ values to multiply"):
            shape_of("matmul", shape, other, over_pixels=over_pixels)


def test_the_limits_of_a_tensor() -> None:
    check_shape((16_384, 16_384, 4), "t")
    check_shape((1, 1, 65_536), "t")
    for shape, message in (
        ((16_385, 1, 1), "t: height: must be 1 to 16384, is 16385"),
        ((1, 16_385, 1), "t: width: must be 1 to 16384"),
        ((1, 1, 65_537), "t: channels: must be 1 to 65536"),
        ((1, 0, 1), "t: width: must be 1"),
        ((16_384, 16_384, 5), "t: has more than 1073741824 elements"),
    ):
        with pytest.raises(ModelFileError, match=f"^{message}"):
            check_shape(shape, "t")
