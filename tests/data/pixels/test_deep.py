"""Gray TIFFs of every width and kind of sample, written byte by byte, and what decodes of them."""

import io
import struct
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from signbit.data.pixels.images import decode
from signbit.errors import DataError

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
Order = Literal["<", ">"]


def tiff(
    samples: bytes, width: int, bits: int, kind: int = UNSIGNED, photometric: int = 1,
    order: Order = "<", orientation: int = 1,
) -> bytes:  # fmt: skip
    """One row of `width` gray pixels of `bits` bits each."""
    short, long = 3, 4
    tags = [
        (256, long, width),
        (257, long, 1),
        (258, short, bits),
        (259, short, 1),  # not compressed
        (262, short, photometric),
        (273, long, 8),
        (274, short, orientation),
        (277, short, 1),
        (278, long, 1),
        (279, long, len(samples)),
        (339, short, kind),
    ]
    start = 8 + len(samples)
    data = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, start) + samples
    data += struct.pack(order + "H", len(tags))
    for tag, size, value in tags:
        held = (
            struct.pack(order + "I", value) if size == long else struct.pack(order + "HH", value, 0)
        )
        data += struct.pack(order + "HHI", tag, size, 1) + held
    return data + bytes(4)


def sixteen(values: NDArray[np.integer], order: Order = "<", **keys: int) -> bytes:
    return tiff(values.astype(order + "u2").tobytes(), len(values), 16, order=order, **keys)


VALUES = np.array([0, 255, 256, 0x7FFF, 0x8000, 0xFFFF])


@pytest.mark.parametrize("order", ["<", ">"])
def test_of_sixteen_bits_the_upper_eight_are_kept(order: Order) -> None:
    pixels = decode(sixteen(VALUES, order), "deep")
    np.testing.assert_array_equal(pixels[..., 0], [[0, 0, 1, 127, 128, 255]])


def test_where_white_is_zero_they_are_turned_round() -> None:
    pixels = decode(sixteen(VALUES, photometric=0), "deep")
    np.testing.assert_array_equal(pixels[..., 0], [[255, 255, 254, 128, 127, 0]])


def test_deep_pictures_are_turned_as_their_orientation_says() -> None:
    pixels = decode(sixteen(VALUES, orientation=6), "deep")
    np.testing.assert_array_equal(pixels[..., 0].T, [[0, 0, 1, 127, 128, 255]])


def test_of_twelve_bits_the_upper_eight_are_kept() -> None:
    # Pairs of 12 bits: 0xFFF, 0x800, 0x00F, 0x7F0.
    pixels = decode(tiff(bytes.fromhex("fff80000f7f0"), 4, 12), "deep")
    np.testing.assert_array_equal(pixels[..., 0], [[255, 128, 0, 127]])


@pytest.mark.parametrize("most", [255, 4095])
def test_a_portable_graymap_is_stretched_by_what_it_says_is_white(most: int) -> None:
    values = np.array([0, most // 2, most])
    samples = values.astype(np.uint8 if most < 256 else ">u2").tobytes()
    pixels = decode(b"P5 3 1 %d\n" % most + samples, "photo.pgm")
    np.testing.assert_allclose(pixels[0, :, 0], [0, 127, 255], atol=1)


@pytest.mark.parametrize("kind", ["png", "tiff", "jpeg2000"])
def test_every_format_of_sixteen_bits_is_read_alike(kind: str) -> None:
    values = np.add.outer(np.arange(64), 1000 * np.arange(64)).astype(np.uint16)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, kind)
    np.testing.assert_array_equal(decode(stream.getvalue(), "deep")[..., 0], values >> 8)


@pytest.mark.parametrize(
    ("bits", "kind", "dtype"),
    [
        (32, UNSIGNED, "u4"),
        (32, SIGNED, "i4"),
        (16, SIGNED, "i2"),
        (8, SIGNED, "i1"),
        (32, FLOAT, "f4"),
        (64, FLOAT, "f8"),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", [0, 1])
def test_pixels_whose_range_is_not_known_are_refused(
    bits: int, kind: int, dtype: str, order: Order, photometric: int
) -> None:
    """Whatever their values: 8-bit ones in 32 bits would be black."""
    for values in ([0, 90, 100], [0, 1, 1], [0, 0, 0]):
        samples = np.array(values).astype(order + dtype).tobytes()
        photo = tiff(samples, 3, bits, kind, photometric, order)
        with pytest.raises(DataError, match=r"^deep: (has .* save it with|not a readable image)"):
            decode(photo, "deep")


def test_what_would_be_nothing_but_black_is_refused() -> None:
    """Eight bits saved as sixteen."""
    with pytest.raises(DataError, match=r"deep: its 16-bit pixels end at 255, .* 0 … 65535"):
        decode(sixteen(np.arange(256)), "deep")
    assert not decode(sixteen(np.zeros(4, int)), "deep").any()
