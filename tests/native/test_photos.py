"""A photo becomes an input in C as it does in Python, pixel by pixel."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_size_t

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bitformat.builder import Builder
from tests.bitformat.files import raw_file
from tests.native import library as c
from tests.native.library import Library, LibraryError
from tests.thorough import drawn

import signbit
from signbit.bitformat import encode
from signbit.bitformat.graph import COLOURS, INTERPOLATIONS, Resize
from signbit.data.pixels.images import fit
from signbit.errors import InputError
from signbit.runtime.photographs import resize_rule

Pixels = npt.NDArray[np.uint8]


def _file(height: int, width: int, channels: int, resize: Resize | None) -> bytes:
    """A network that takes such images."""
    b = Builder(0)
    image = b.input("photo", "image", height, width, channels, resize=resize)
    weight = b.floats(2, height, width, channels)
    node = b.node("scores", "real_conv", (image,), kernel=(height, width), weight=weight)
    b.output("scores", node)
    return raw_file(*b.sample())


def _photo(seed: int, height: int, width: int, channels: int) -> Pixels:
    """Noise or a few flat patches, which show how edges are rounded."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    few = rng.integers(0, 2, (height, width, channels), dtype=np.uint8)
    return np.asarray(few * rng.integers(1, 256), np.uint8)


def _rules(channels: int) -> st.SearchStrategy[Resize]:
    """Every way for an input of so many channels."""
    side, level = st.integers(1, 60), st.integers(0, 255)
    colours = COLOURS if channels == 3 else COLOURS[:1]
    others = {
        "interpolation": st.sampled_from(INTERPOLATIONS),
        "aliased": st.booleans(),
        "colours": st.sampled_from(colours),
    }
    return st.one_of(
        st.builds(Resize, side, **others),
        st.builds(Resize, both_sides=st.tuples(side, side), **others),
        st.builds(Resize, letterbox=st.tuples(*[level] * channels), **others),
    )


@drawn(400, least=150)
@given(st.data())
def test_pixels_are_pythons(library: Library, data: st.DataObject) -> None:
    side = st.integers(1, 40)
    height, width, colours = data.draw(st.tuples(side, side, st.sampled_from((1, 3))))
    rule = data.draw(_rules(colours))
    photo = _photo(
        data.draw(st.integers(0, 99)),
        data.draw(st.integers(1, 150)),
        data.draw(st.integers(1, 150)),
        data.draw(st.sampled_from((1, 3))),
    )
    # Beyond 64 to 1 Python cuts before it scales, equal but for rounding.
    if rule.shorter_side and max(photo.shape[:2]) > 64 * min(photo.shape[:2]):
        return
    model = library.load(_file(height, width, colours, rule))
    try:
        wanted = fit(photo, (height, width, colours), rule)
    except InputError:
        with pytest.raises(LibraryError, match="does not cover"):
            model.fit(photo)
        return
    np.testing.assert_array_equal(model.fit(photo), wanted)
    if photo.shape[2] == 3:
        with_alpha = np.dstack((photo, _photo(1, *photo.shape[:2], 1)))
        np.testing.assert_array_equal(model.fit(with_alpha), wanted)
    padded = np.zeros((photo.shape[0], photo.shape[1] + 3, photo.shape[2]), np.uint8)
    padded[:, :-3] = photo
    row = padded.strides[0]
    view = padded[:, :-3]
    given_ = c.Photo(ctypes.sizeof(c.Photo), view.ctypes.data, *photo.shape, row)
    found = np.empty_like(wanted)
    where = found.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
    size = c_size_t(found.nbytes)
    library.call("fit_photo", model.handle, c_size_t(0), byref(given_), where, size)
    np.testing.assert_array_equal(found, wanted)


def test_without_a_rule_only_the_inputs_size(library: Library) -> None:
    model = library.load(_file(5, 7, 3, None))
    photo = _photo(1, 5, 7, 3)
    np.testing.assert_array_equal(model.fit(photo), photo)
    gray = _photo(1, 5, 7, 1)
    np.testing.assert_array_equal(model.fit(gray), np.repeat(gray, 3, 2))
    with pytest.raises(LibraryError, match="does not say how"):
        model.fit(_photo(1, 6, 7, 3))


@pytest.mark.parametrize(
    "rule", [Resize(10), Resize(both_sides=(11, 9)), Resize(letterbox=(1, 2, 3))], ids=repr
)
@pytest.mark.parametrize("size", [(6, 5), (13, 9), (4, 31), (40, 40)])
def test_at_another_size_the_rule_is_pythons(
    library: Library, size: tuple[int, int], rule: Resize
) -> None:
    b = Builder(0)
    image = b.input("photo", "image", 9, 7, 3, resize=rule)
    stem = b.node("stem", "real_conv", (image,), weight=b.floats(2, 1, 1, 3))
    b.output("means", b.node("means", "global_mean", (stem,)))
    data = encode(*b.sample(any_size=True))
    model = library.load(data, height=size[0], width=size[1])
    photo = _photo(1, 90, 70, 3)
    wanted = fit(photo, (*size, 3), resize_rule(signbit.load(data, input_size=size)))
    np.testing.assert_array_equal(model.fit(photo), wanted)


def test_a_photo_that_is_all_but_a_line_is_refused(library: Library) -> None:
    model = library.load(_file(5, 5, 3, Resize(60, "nearest")))
    with pytest.raises(LibraryError, match="too long for its width"):
        model.fit(np.zeros((1, 300_000, 1), np.uint8))


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("size", 3, r"photo\.size"),
        ("pixels", None, r"photo\.pixels"),
        ("height", 0, r"photo\.height and width"),
        ("width", 2**40, r"photo\.height and width"),
        ("channels", 2, r"photo\.channels"),
        ("row_bytes", 14, r"photo\.row_bytes"),
    ],
)
def test_photos_that_are_none(library: Library, field: str, value: int, text: str) -> None:
    model = library.load(_file(5, 5, 3, Resize(5, "bilinear")))
    photo = _photo(1, 5, 5, 3)
    given_ = c.Photo(ctypes.sizeof(c.Photo), photo.ctypes.data, 5, 5, 3, 0)
    setattr(given_, field, value)
    found = (ctypes.c_uint8 * 75)()
    arguments = (model.handle, c_size_t(0), byref(given_), found)
    with pytest.raises(LibraryError, match=text):
        library.call("fit_photo", *arguments, c_size_t(75))
    with pytest.raises(LibraryError, match="bytes: must be 75, is 74"):
        library.call("fit_photo", *arguments, c_size_t(74))
