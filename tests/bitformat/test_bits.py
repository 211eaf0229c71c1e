"""One sign, one bit order: negative is 1, least significant first, unused bits 0."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signbit.bitformat import negative, pack_bits, sign, unpack_bits
from signbit.bitformat.bits import word_count


def test_sign_of_zeros_and_nan() -> None:
    x = np.float32([-1, -1e-45, -0.0, 0.0, 1e-45, np.inf, -np.inf, np.nan, -np.nan])
    assert sign(x).tolist() == [-1, -1, 1, 1, 1, 1, -1, 1, 1]
    assert sign(x).dtype == np.int8
    assert negative(x).tolist() == [True, True, False, False, False, False, True, False, False]


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.float16, np.float64])
def test_sign_of_other_types(dtype: type) -> None:
    assert sign(np.array([-2, 0, 3], dtype)).tolist() == [-1, 1, 1]


@pytest.mark.parametrize(
    ("positions", "bits", "words"),
    [
        ([0], 1, [1]),
        ([1, 63], 64, [2 | 1 << 63]),
        ([64], 65, [0, 1]),
        ([0, 64, 127, 128], 130, [1, 1 | 1 << 63, 1]),
        ([], 3, [0]),
        (range(70), 70, [2**64 - 1, 0b111111]),
    ],
)
def test_packing_by_hand(positions: list[int], bits: int, words: list[int]) -> None:
    array = np.zeros(bits, np.bool_)
    array[list(positions)] = True
    packed = pack_bits(array)
    assert packed.dtype == np.uint64
    assert packed.tolist() == words


@settings(derandomize=True, deadline=None, max_examples=60)
@given(rows=st.integers(0, 4), bits=st.integers(0, 300), seed=st.integers(0, 1000))
def test_packing_matches_integers(rows: int, bits: int, seed: int) -> None:
    array = np.random.default_rng(seed).random((2, rows, bits)) < 0.5
    packed = pack_bits(array)
    assert packed.shape == (2, rows, word_count(bits))
    for index in np.ndindex(2, rows):
        number = sum(1 << i for i in np.flatnonzero(array[index]).tolist())
        assert [(number >> 64 * w) % 2**64 for w in range(packed.shape[-1])] == packed[
            index
        ].tolist()
    np.testing.assert_array_equal(unpack_bits(packed, bits), array)


def test_dot_of_signs_is_bits_minus_twice_popcount() -> None:
    rng = np.random.default_rng(7)
    a, b = rng.standard_normal((2, 300))
    disagree = (pack_bits(negative(a)) ^ pack_bits(negative(b))).tolist()
    dot = 300 - 2 * sum(word.bit_count() for word in disagree)
    assert dot == int((sign(a).astype(int) * sign(b)).sum())
