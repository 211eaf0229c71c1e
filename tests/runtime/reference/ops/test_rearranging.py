"""The operations that move values, against PyTorch's, of reals and of signs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.reference.kinds import batches, nchw, nhwc
from tests.runtime.reference.one_node import BITS, run_node, run_outputs

Array = npt.NDArray[Any]
Kind = Callable[[Array], Array]

few = settings(derandomize=True, deadline=None, max_examples=40)


def as_reals(x: Array) -> Array:
    return x


def as_signs(x: Array) -> Array:
    return np.where(x < 0, -1, 1).astype(BITS)


KINDS = st.sampled_from((as_reals, as_signs))


def resized(x: Array, shape: tuple[int, ...]) -> Array:
    """Values of x, over and over, in another shape."""
    return np.resize(x, shape) if x.size else np.zeros(shape, x.dtype)


@few
@given(x=batches(), kind=KINDS)
def test_identity(x: Array, kind: Kind) -> None:
    np.testing.assert_array_equal(run_node("identity", kind(x)), kind(x).astype(np.float32))


def test_identity_of_pixels() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(2, 8, 4, 4)
    y = run_node("identity", pixels)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, pixels)
    floats = (pixels / np.float32(1.7)).astype(np.float32)
    np.testing.assert_array_equal(run_node("identity", floats), floats)


@few
@given(x=batches(), kind=KINDS)
def test_flatten(x: Array, kind: Kind) -> None:
    """In the order row, column, channel: PyTorch's of channels last."""
    expected = torch.from_numpy(kind(x)).flatten(1)
    np.testing.assert_array_equal(run_node("flatten", kind(x))[:, 0, 0], expected)


@few
@given(x=batches(), kind=KINDS, others=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_concat(x: Array, kind: Kind, others: list[int]) -> None:
    parts = [kind(x), *(kind(resized(x[::-1], (*x.shape[:3], c))) for c in others)]
    expected = torch.cat([nchw(part, torch.float32) for part in parts], dim=1)
    np.testing.assert_array_equal(run_node("concat", *parts), nhwc(expected))


def test_concat_reads_what_comes_before_the_first_that_a_step_reads() -> None:
    a, b, c = np.float32([[1, 2], [3, 4], [10, 20]]).reshape(3, 1, 1, 1, 2)
    y = run_node("concat", a, b, c, steps=[("add", {"input": 2, "offset": 1})])
    assert y.ravel().tolist() == [1, 12, 23, 4]


@few
@given(x=batches(), kind=KINDS, data=st.data())
def test_slice(x: Array, kind: Kind, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, x.shape[3] - 1))
    count = data.draw(st.integers(1, x.shape[3] - first))
    expected = nchw(kind(x), torch.float32).narrow(1, first, count)
    keys = {"count": count, **({"first": first} if first else {})}
    np.testing.assert_array_equal(run_node("slice", kind(x), **keys), nhwc(expected))


@few
@given(x=batches(), kind=KINDS, factor=st.tuples(st.integers(1, 3), st.integers(1, 4)))
def test_upsample(x: Array, kind: Kind, factor: tuple[int, int]) -> None:
    if not len(x):
        assert run_node("upsample", kind(x), factor=factor).shape[0] == 0
        return
    expected = F.interpolate(nchw(kind(x), torch.float32), scale_factor=factor, mode="nearest")
    np.testing.assert_array_equal(run_node("upsample", kind(x), factor=factor), nhwc(expected))


@few
@given(x=batches(), kind=KINDS, block=st.integers(1, 3))
def test_space_to_depth_and_back(x: Array, kind: Kind, block: int) -> None:
    n, h, w, c = x.shape
    spread = kind(resized(x, (n, h * block, w * block, c)))
    if not n:  # PyTorch leaves the shape of no image as it is
        deep = run_node("space_to_depth", spread, block=block)
        assert deep.shape == (0, h, w, c * block * block)
        assert run_node("depth_to_space", deep, block=block).shape == spread.shape
        return
    deep = nhwc(F.pixel_unshuffle(nchw(spread, torch.float32), block))
    np.testing.assert_array_equal(run_node("space_to_depth", spread, block=block), deep)
    packed = kind(resized(x, (n, h, w, c * block * block)))
    wide = nhwc(F.pixel_shuffle(nchw(packed, torch.float32), block))
    np.testing.assert_array_equal(run_node("depth_to_space", packed, block=block), wide)


@pytest.mark.parametrize("flip", [0, 1])
def test_signs_of_signs_are_signs(flip: int) -> None:
    """A sign is −1.0 or +1.0, and its sign is itself."""
    x = np.int8([[1, -1, -1, 1]]).reshape(1, 2, 2, 1)
    output = {"kind": "signs", **({"flip": np.uint8([1])} if flip else {})}
    (bits,) = run_outputs("upsample", x, factor=(1, 2), outputs=[output])
    np.testing.assert_array_equal(bits[..., 0] ^ flip, [[[0, 0, 1, 1], [1, 1, 0, 0]]])


def test_nothing_is_rounded() -> None:
    """Zeros of both signs, infinities, NaN and subnormals arrive as they are."""
    x = np.float32([0.0, -0.0, np.inf, -np.inf, np.nan, 2.0**-149, 3.4e38, -1]).reshape(1, 2, 2, 2)
    for op, keys in (
        ("identity", {}),
        ("flatten", {}),
        ("slice", {"count": 2}),
        ("upsample", {"factor": (1, 1)}),
        ("space_to_depth", {"block": 1}),
    ):
        y = run_node(op, x, **keys)
        np.testing.assert_array_equal(y.view(np.int32).ravel(), x.view(np.int32).ravel())
