"""Every rule by which a photograph becomes an input, against what others make of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.thorough import drawn

from signbit.bitformat.graph import INTERPOLATIONS, Resize
from signbit.data.pixels.aliased import scaled_aliased
from signbit.data.pixels.images import fit
from signbit.errors import InputError

Pixels = npt.NDArray[np.uint8]

PHOTOS = {"a pixel": (1, 1), "portrait": (90, 31), "panorama": (20, 150), "square": (33, 33)}


def photo(height: int, width: int, channels: int = 3, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", PHOTOS.values(), ids=PHOTOS)
def test_both_sides_are_pillows_resize_and_the_centre(
    size: tuple[int, int], interpolation: str
) -> None:
    image, method = photo(*size), Image.Resampling[interpolation.upper()]
    columns = Image.fromarray(image).resize((30, size[0]), method)
    scaled = np.asarray(columns.resize((30, 20), method))
    found = fit(image, (15, 24, 3), Resize(None, interpolation, both_sides=(20, 30)))
    np.testing.assert_array_equal(found, scaled[2:17, 3:27])
    whole = fit(image, (20, 30, 3), Resize(None, interpolation, both_sides=(20, 30)))
    np.testing.assert_array_equal(whole, scaled)


def test_both_sides_must_cover_the_input() -> None:
    with pytest.raises(InputError, match="resized to 30×20 does not cover the input of 24×21"):
        fit(photo(9, 9), (21, 24, 3), Resize(both_sides=(20, 30)))


@pytest.mark.parametrize("size", PHOTOS.values(), ids=PHOTOS)
def test_a_letterbox_shows_all_of_it_with_bars(size: tuple[int, int]) -> None:
    """As YOLO's: to nearest, the odd pixel of the bars below and to the right."""
    image, (height, width) = photo(*size), (24, 33)
    scale = min(height / size[0], width / size[1])
    inside = [max(1, round(side * scale)) for side in size]
    columns = Image.fromarray(image).resize((inside[1], size[0]), Image.Resampling.BILINEAR)
    scaled = np.asarray(columns.resize(inside[::-1], Image.Resampling.BILINEAR))
    wanted = np.full((height, width, 3), (114, 7, 200), np.uint8)
    top, left = (height - inside[0]) // 2, (width - inside[1]) // 2
    wanted[top : top + inside[0], left : left + inside[1]] = scaled
    found = fit(image, (height, width, 3), Resize(letterbox=(114, 7, 200)))
    np.testing.assert_array_equal(found, wanted)


def test_bars_have_the_inputs_order_of_colours() -> None:
    red = np.full((2, 4, 3), (255, 0, 0), np.uint8)
    found = fit(red, (4, 4, 3), Resize(letterbox=(1, 2, 3), colours="bgr"))
    assert found[:, 0].tolist() == [[1, 2, 3], [0, 0, 255], [0, 0, 255], [1, 2, 3]]
    gray = fit(red, (4, 4, 1), Resize(letterbox=(9,)))
    assert gray[:, 0, 0].tolist() == [9, 76, 76, 9]


@pytest.mark.parametrize("way", [{"shorter_side": 8}, {"both_sides": (8, 9)}])
def test_colours_are_an_order_or_gray(way: dict[str, object]) -> None:
    image = photo(20, 24)
    plain = fit(image, (8, 8, 3), Resize(**way))  # type: ignore[arg-type]
    bgr = fit(image, (8, 8, 3), Resize(**way, colours="bgr"))  # type: ignore[arg-type]
    np.testing.assert_array_equal(bgr, plain[..., ::-1])
    gray = fit(image, (8, 8, 3), Resize(**way, colours="gray"))  # type: ignore[arg-type]
    one = fit(image, (8, 8, 1), Resize(**way))  # type: ignore[arg-type]
    np.testing.assert_array_equal(gray, one.repeat(3, axis=2))
    same = photo(8, 8)
    rule = Resize(8, colours="bgr")
    np.testing.assert_array_equal(fit(same, (8, 8, 3), rule), same[..., ::-1])


@drawn(60, least=20)
@given(st.tuples(*[st.integers(1, 60)] * 4), st.integers(0, 5))
def test_aliased_bilinear_is_torchs_without_antialias(
    sizes: tuple[int, int, int, int], seed: int
) -> None:
    height, width, down, across = sizes
    image = photo(height, width, 1, seed)[..., 0]
    tensor = torch.from_numpy(image).double()[None, None]
    wanted = F.interpolate(tensor, (down, across), mode="bilinear", antialias=False)[0, 0].numpy()
    found = scaled_aliased(image, (across, down), (0, 0, across, down), "bilinear")
    assert np.abs(found - wanted).max() <= 1.01  # rounded twice


def test_aliased_bicubic_is_keys_curve() -> None:
    """By hand: every other pixel's weights are those of half a pixel's distance."""
    row = np.array([[0, 10, 80, 200, 90, 30, 250, 7]], np.uint8)
    found = scaled_aliased(row, (4, 1), (0, 0, 4, 1), "bicubic")
    weights = np.array([-0.0625, 0.5625, 0.5625, -0.0625])
    inner = [row[0, k : k + 4] @ weights for k in (1, 3)]
    first = row[0, :3] @ weights[1:] / weights[1:].sum()
    last = row[0, 5:] @ weights[:3] / weights[:3].sum()
    np.testing.assert_array_equal(found[0], np.clip(np.rint([first, *inner, last]), 0, 255))


def test_aliased_parts_are_those_of_the_whole() -> None:
    image = photo(40, 50)
    whole = scaled_aliased(image, (17, 13), (0, 0, 17, 13), "bicubic")
    part = scaled_aliased(image, (17, 13), (3, 2, 11, 12), "bicubic")
    np.testing.assert_array_equal(part, whole[2:12, 3:11])
    enlarged = fit(image, (90, 100, 3), Resize(None, "bicubic", both_sides=(90, 100), aliased=True))
    smooth = fit(image, (90, 100, 3), Resize(None, "bicubic", both_sides=(90, 100)))
    np.testing.assert_array_equal(enlarged, smooth)
