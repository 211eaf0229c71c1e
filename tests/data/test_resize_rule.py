"""The evaluation crop is torchvision's, to the pixel, whatever the size of the photograph.

The oracle is torchvision's published rule written by hand, in its own float arithmetic: Resize
makes the longer side int(side * long / short), the corner of CenterCrop is
int(round((size - crop) / 2.0)). Columns are scaled before rows, as Pillow did up to release 12, on
which torchvision's published accuracies stand.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from signbit.bitformat.graph import Resize
from signbit.data.pixels.images import fit

Pixels = NDArray[np.uint8]


def resized_size(width: int, height: int, side: int) -> tuple[int, int]:
    short, long = (width, height) if width <= height else (height, width)
    if short == side:
        return width, height
    longer = int(side * long / short)
    return (side, longer) if width <= height else (longer, side)


def oracle(image: Pixels, crop: tuple[int, int], side: int) -> Pixels:
    picture = Image.fromarray(image)
    size = resized_size(picture.width, picture.height, side)
    if size != picture.size:
        columns = picture.resize((size[0], picture.height), Image.Resampling.BILINEAR)
        picture = columns.resize(size, Image.Resampling.BILINEAR)
    height, width = crop
    top = round((size[1] - height) / 2.0)
    left = round((size[0] - width) / 2.0)
    return np.asarray(picture)[top : top + height, left : left + width]


def noise(width: int, height: int) -> Pixels:
    rng = np.random.default_rng(width * 1000 + height)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


SIZES = [(500, height) for height in range(330, 380, 2)]
SIZES += [(width, 500) for width in range(331, 381, 2)]
SIZES += [(640, 427), (1024, 683), (256, 383), (383, 256), (257, 256), (224, 300), (256, 256)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_imagenet_s_crop_of_many_sizes(width: int, height: int) -> None:
    image = noise(width, height)
    np.testing.assert_array_equal(
        fit(image, (224, 224, 3), Resize(256)), oracle(image, (224, 224), 256)
    )


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    side=st.integers(1, 40),
    data=st.data(),
)
def test_any_size_any_crop(width: int, height: int, side: int, data: st.DataObject) -> None:
    scaled = resized_size(width, height, side)
    crop = data.draw(st.integers(1, scaled[1])), data.draw(st.integers(1, scaled[0]))
    # Longer pictures are resized in part, equal but for rounding: tests/data/pixels/test_images.py.
    if max(width, height) <= 64 * min(width, height):
        image = noise(width, height)
        np.testing.assert_array_equal(
            fit(image, (*crop, 3), Resize(side)), oracle(image, crop, side)
        )


@given(short=st.integers(1, 20_000), longer=st.integers(0, 20_000), side=st.integers(1, 2048))
def test_whole_numbers_give_what_torchvision_s_floats_give(
    short: int, longer: int, side: int
) -> None:
    long = short + longer
    assert side * long // short == int(side * long / short)
