import numpy as np
import pytest

from signbit.compiler.pack import pack_numbers, pack_signs


def test_taps_go_row_column_channel_and_negative_is_1() -> None:
    weight = np.ones((2, 3, 3, 9), np.int8)  # 81 taps: two words
    weight[0, 0, 0, 1] = -1  # tap 1
    weight[1, 2, 1, 0] = -1  # tap (2·3 + 1)·9 = 63
    weight[1, 2, 1, 1] = -1  # tap 64
    words = pack_signs(weight)
    assert words.dtype == np.uint64
    assert words.tolist() == [[2, 0], [1 << 63, 1]]


def test_unused_bits_are_0() -> None:
    words = pack_signs(np.full((1, 1, 1, 70), -1, np.int8))
    assert words.tolist() == [[2**64 - 1, 2**6 - 1]]


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint8])
def test_numbers_are_contiguous(dtype: type) -> None:
    weight = np.arange(24, dtype=dtype).reshape(2, 3, 4).transpose(2, 0, 1)
    packed = pack_numbers(weight)
    assert packed.flags.c_contiguous
    assert packed.dtype == dtype
    np.testing.assert_array_equal(packed, weight)
