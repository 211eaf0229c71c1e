import io
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from signbit.data.pixels.images import decode, fit
from signbit.errors import DataError, InputError


def encoded(image: Image.Image, kind: str = "png") -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def test_colour_and_gray_keep_their_pixels_and_channels() -> None:
    colour = np.random.randint(0, 256, (5, 7, 3), dtype=np.uint8)
    gray = colour[..., 0]
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(colour)), "c"), colour)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(gray)), "g"), gray[..., None])


def test_transparency_is_dropped_and_a_palette_looked_up() -> None:
    colour = Image.fromarray(np.full((2, 2, 3), (10, 20, 30), dtype=np.uint8))
    for mode in ("RGBA", "P"):
        assert decode(encoded(colour.convert(mode)), mode).shape == (2, 2, 3)
    np.testing.assert_array_equal(decode(encoded(colour.convert("RGBA")), "a")[0, 0], (10, 20, 30))


@pytest.mark.parametrize("cut", [0, 10, -500])
def test_damaged_bytes_are_refused_by_name(cut: int) -> None:
    noise = np.random.randint(0, 256, (32, 32, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise))
    with pytest.raises(DataError, match=r"photo-17: not a readable image"):
        decode(whole[:cut], "photo-17")


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_sixteen_bits_keep_their_upper_eight(kind: str) -> None:
    values = np.array([[0, 255, 256], [0x7FFF, 0x8000, 0xFFFF]], dtype=np.uint16)
    pixels = decode(encoded(Image.fromarray(values), kind), "deep")
    np.testing.assert_array_equal(pixels[..., 0], [[0, 0, 1], [127, 128, 255]])


def test_values_without_a_known_range_are_refused() -> None:
    for values in (np.ones((2, 2), np.float32), np.full((2, 2), 70000, np.int32)):
        with pytest.raises(DataError, match=r"deep: has .* save it with 8 or 16 bits"):
            decode(encoded(Image.fromarray(values), "tiff"), "deep")


def test_a_message_names_the_photo_and_no_address() -> None:
    with pytest.raises(DataError) as caught:
        decode(b"text", "z.jpg")
    assert str(caught.value) == "z.jpg: not a readable image (its format is unknown)"


@pytest.mark.parametrize("limit", [10, 30])
def test_what_unpacks_to_too_many_pixels_is_refused(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(DataError, match="bomb: too many pixels"):
        decode(encoded(Image.new("L", (7, 7))), "bomb")


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shorter", [3, 11])
def test_of_a_thin_photo_only_the_centre_is_resized(
    interpolation: Literal["bilinear", "nearest"], turned: bool, shorter: int
) -> None:
    image = np.random.randint(0, 256, (shorter, 1001, 1), dtype=np.uint8)
    scaled = 1001 * 8 // shorter
    method = Image.Resampling[interpolation.upper()]
    whole = np.asarray(Image.fromarray(image[..., 0]).resize((scaled, 8), method))
    expected = whole[1:7, round((scaled - 6) / 2) :][:, :6]
    if turned:
        image, expected = image.transpose(1, 0, 2), expected.T
    part = fit(image, (6, 6, 1), 8, interpolation)[..., 0]
    assert np.abs(part.astype(int) - expected).max() <= 1


def test_a_line_of_a_million_pixels_fits() -> None:
    line = np.full((1, 1_000_000, 3), 77, dtype=np.uint8)
    assert (fit(line, (224, 224, 3), 256) == 77).all()


def test_an_image_of_the_right_size_is_left_alone() -> None:
    image = np.random.randint(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(fit(image, (32, 32, 3), 32), image)


def test_the_centre_is_cut_without_resizing_where_the_shorter_side_fits() -> None:
    image = np.random.randint(0, 256, (6, 10, 3), dtype=np.uint8)
    np.testing.assert_array_equal(fit(image, (4, 4, 3), 6), image[1:5, 3:7])


def test_nearest_doubles_pixels() -> None:
    image = np.random.randint(0, 256, (3, 4, 1), dtype=np.uint8)
    doubled = image.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(fit(image, (6, 6, 1), 6, "nearest"), doubled[:, 1:7])


def test_bilinear_halving_stays_between_the_pixels_it_averages() -> None:
    image = np.full((8, 8, 3), 100, dtype=np.uint8)
    image[:, 4:] = 200
    small = fit(image, (4, 4, 3), 4)
    assert small[:, 0].max() < 110
    assert small[:, 3].min() > 190
    assert (np.diff(small[0, :, 0].astype(int)) >= 0).all()


def test_gray_repeats_into_colour_and_colour_becomes_luma() -> None:
    gray = np.random.randint(0, 256, (4, 4, 1), dtype=np.uint8)
    np.testing.assert_array_equal(fit(gray, (4, 4, 3), 4), gray.repeat(3, axis=2))
    colour = np.random.randint(0, 256, (4, 4, 3), dtype=np.uint8)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(fit(colour, (4, 4, 1), 4)[..., 0] - luma).max() <= 1


def test_what_cannot_be_cut_is_refused() -> None:
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    with pytest.raises(InputError, match="does not cover"):
        fit(image, (8, 8, 3), 4)
    with pytest.raises(InputError, match="cubic"):
        fit(image, (8, 8, 3), 8, "cubic")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="1 or 3 channels"):
        fit(image, (8, 8, 4), 8)
