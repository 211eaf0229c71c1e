import contextlib
import io
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.thorough import many

from signbit.bitformat.graph import Resize
from signbit.data.pixels.images import decode, fit
from signbit.errors import DataError, InputError

FIXED: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "phases": [Phase.explicit, Phase.generate],
}


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


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("CMYK", "jpeg"),
        ("CMYK", "tiff"),
        ("YCbCr", "jpeg"),
        ("RGBA", "webp"),
        ("RGBA", "tga"),
        ("RGB", "qoi"),
        ("RGB", "avif"),
        ("P", "gif"),
        ("LAB", "tiff"),
        ("L", "png"),
        ("LA", "png"),
        ("1", "png"),
        ("1", "tiff"),
    ],
)
def test_every_mode_becomes_gray_or_colour(mode: str, kind: str) -> None:
    """A white half and a dark one: nothing is turned round, shifted or black."""
    gray = np.full((16, 16), 255, dtype=np.uint8)
    gray[:, :8] = 0
    picture = Image.fromarray(gray.repeat(3).reshape(16, 16, 3))
    picture = picture.convert("L").convert(mode) if mode in {"LA", "1"} else picture.convert(mode)
    pixels = decode(encoded(picture, kind), mode)
    assert pixels.shape == (16, 16, 1 if mode in {"L", "LA", "1"} else 3)
    assert np.abs(pixels[..., 0].astype(int) - gray).max() < 40


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tiff"])
def test_of_several_frames_the_first_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "blue", "lime")]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
    pixels = decode(stream.getvalue(), kind)
    assert pixels.shape == (3, 4, 3)
    assert np.abs(pixels.astype(int) - (255, 0, 0)).max() < 8


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    gray = np.zeros((8, 16), dtype=np.uint8)
    gray[:, :8] = 255
    stream = io.BytesIO()
    Image.fromarray(gray).convert("RGB").save(stream, kind, exif=exif)
    turn = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.T,
        6: lambda x: np.rot90(x, -1),
        7: lambda x: x[::-1, ::-1].T,
        8: np.rot90,
    }
    pixels = decode(stream.getvalue(), kind)[..., 0]
    assert np.abs(pixels.astype(int) - turn[orientation](gray)).max() < 8


def test_what_pillow_leaves_to_other_programs_is_no_image() -> None:
    """A stranger's file shall not start Ghostscript."""
    with pytest.raises(DataError, match="photo: not a readable image"):
        decode(encoded(Image.new("RGB", (4, 4)), "eps"), "photo")


def samples() -> dict[str, bytes]:
    """A small picture in each common format."""
    pixels = np.random.default_rng(3).integers(0, 256, (20, 17, 3), dtype=np.uint8)
    picture, deep = Image.fromarray(pixels), Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    found = dict.fromkeys(("jpeg", "webp", "avif", "jpeg2000", "bmp", "ppm", "tga"), picture)
    found |= {"gif": picture, "ico": picture, "png": deep, "tiff": deep}
    streams = {kind: io.BytesIO() for kind in found}
    for kind, stream in streams.items():
        found[kind].save(stream, kind, **({"exif": exif} if kind in {"jpeg", "tiff"} else {}))
    return {kind: stream.getvalue() for kind, stream in streams.items()}


SAMPLES = samples()


def no_other_error(kind: str, changes: list[tuple[int, int]], cut: float) -> None:
    data = bytearray(SAMPLES[kind])
    for place, byte in changes:
        data[place % len(data)] = byte
    with contextlib.suppress(DataError):
        decode(bytes(data[: int(cut * len(data))]), "photo")


CHANGES = st.lists(st.tuples(st.integers(0, 400) | st.integers(0, 5000), st.integers(0, 255)))
damaged = given(st.sampled_from(sorted(SAMPLES)), CHANGES, st.just(1.0) | st.floats(0, 1))
quietly = pytest.mark.filterwarnings("ignore")


@quietly
@settings(**FIXED, max_examples=150)
@damaged
def test_damage_is_a_data_error_or_other_pixels(
    kind: str, changes: list[tuple[int, int]], cut: float
) -> None:
    no_other_error(kind, changes, cut)


@quietly
@pytest.mark.slow
@settings(**FIXED, max_examples=many(2000))
@damaged
def test_much_damage_is_a_data_error_or_other_pixels(
    kind: str, changes: list[tuple[int, int]], cut: float
) -> None:
    no_other_error(kind, changes, cut)


def test_a_message_names_the_photo_and_no_address() -> None:
    with pytest.raises(DataError) as caught:
        decode(b"text", "z.jpg")
    assert str(caught.value) == "z.jpg: not a readable image (its format is unknown)"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
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
    part = fit(image, (6, 6, 1), Resize(8, interpolation))[..., 0]
    assert np.abs(part.astype(int) - expected).max() <= 1


def test_a_line_of_a_million_pixels_fits() -> None:
    line = np.full((1, 1_000_000, 3), 77, dtype=np.uint8)
    assert (fit(line, (224, 224, 3), Resize(256)) == 77).all()


def test_an_image_of_the_right_size_is_left_alone() -> None:
    image = np.random.randint(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(fit(image, (32, 32, 3), Resize(32)), image)


def test_the_centre_is_cut_without_resizing_where_the_shorter_side_fits() -> None:
    image = np.random.randint(0, 256, (6, 10, 3), dtype=np.uint8)
    np.testing.assert_array_equal(fit(image, (4, 4, 3), Resize(6)), image[1:5, 3:7])


def test_nearest_doubles_pixels() -> None:
    image = np.random.randint(0, 256, (3, 4, 1), dtype=np.uint8)
    doubled = image.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(fit(image, (6, 6, 1), Resize(6, "nearest")), doubled[:, 1:7])


def test_bilinear_halving_stays_between_the_pixels_it_averages() -> None:
    image = np.full((8, 8, 3), 100, dtype=np.uint8)
    image[:, 4:] = 200
    small = fit(image, (4, 4, 3), Resize(4))
    assert small[:, 0].max() < 110
    assert small[:, 3].min() > 190
    assert (np.diff(small[0, :, 0].astype(int)) >= 0).all()


def test_gray_repeats_into_colour_and_colour_becomes_luma() -> None:
    gray = np.random.randint(0, 256, (4, 4, 1), dtype=np.uint8)
    np.testing.assert_array_equal(fit(gray, (4, 4, 3), Resize(4)), gray.repeat(3, axis=2))
    colour = np.random.randint(0, 256, (4, 4, 3), dtype=np.uint8)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(fit(colour, (4, 4, 1), Resize(4))[..., 0] - luma).max() <= 1


def test_what_cannot_be_cut_is_refused() -> None:
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    with pytest.raises(InputError, match="does not cover"):
        fit(image, (8, 8, 3), Resize(4))
    with pytest.raises(InputError, match="cubic"):
        fit(image, (8, 8, 3), Resize(8, "cubic"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="1 or 3 channels"):
        fit(image, (8, 8, 4), Resize(8))


@pytest.mark.parametrize("shape", [(127, 57), (57, 127), (300, 41), (90, 90)])
def test_columns_are_scaled_first_by_any_pillow(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    shorter = 34
    height, width = (side * shorter // min(shape) for side in shape)
    columns = Image.fromarray(photo).resize((width, shape[0]), Image.Resampling.BILINEAR)
    wanted = np.asarray(columns.resize((width, height), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(fit(photo, (height, width, 3), Resize(shorter)), wanted)
