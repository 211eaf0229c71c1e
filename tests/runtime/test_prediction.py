"""`Engine.predict`: what counts as an image, how it becomes an input, and what is said of it."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from tests.bitformat.samples import confident, sample, sample_bytes

import signbit
from signbit.bitformat import encode
from signbit.bitformat.graph import Graph, GraphOutput, Resize
from signbit.data.pixels.images import fit
from signbit.errors import DataError, InputError, SignbitError
from signbit.runtime.engine import Engine
from signbit.runtime.prediction import predictions

ENGINE = signbit.load(sample_bytes(), threads=1)
SHAPE = ENGINE.input_shape
SCORES = ENGINE.outputs[0]


def changed(change: Callable[[Graph], Graph]) -> Engine:
    graph, constants = sample()
    return signbit.load(encode(change(graph), constants), threads=1)


def drawn(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def encoded(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def test_probabilities_are_the_softmax_of_a_calls_logits() -> None:
    image = drawn(1, *SHAPE)
    found = ENGINE.predict(image)
    logits = ENGINE(image[None])[0]
    expected = np.exp(logits.astype(np.float64))
    np.testing.assert_array_equal(found.logits, logits)
    np.testing.assert_allclose(found.probabilities, expected / expected.sum(), rtol=1e-12)
    assert found.probabilities.dtype == np.float64
    assert found.index == logits.argmax()
    assert found.name == ENGINE.class_names[found.index]
    assert found.probability == found.probabilities[found.index]
    best = np.argsort(-logits, kind="stable")
    assert found.top(3) == [(ENGINE.class_names[i], found.probabilities[i]) for i in best[:3]]
    assert len(found.top(99)) == 4
    assert len(repr(found)) < 100


@pytest.mark.parametrize("temperature", [0.25, 1.0, 8.0])
def test_probabilities_are_those_of_the_files_temperature(temperature: float) -> None:
    image = drawn(1, *SHAPE)
    least = ENGINE.predict(image).probability
    engine = signbit.load(encode(*confident(sample(), temperature, least)), threads=1)
    assert engine.outputs[0].temperature == temperature
    assert engine.outputs[0].least_probability == np.float32(least)
    found = engine.predict(image)
    np.testing.assert_array_equal(found.logits, ENGINE.predict(image).logits)
    expected = np.exp(found.logits.astype(np.float64) / temperature)
    np.testing.assert_allclose(found.probabilities, expected / expected.sum(), rtol=1e-12)
    assert found.is_none is (found.probability < float(np.float32(least)))
    assert found.is_none is (temperature > 1) or temperature == 1
    assert ENGINE.outputs[0].temperature == 1
    assert not ENGINE.predict(image).is_none


@settings(
    deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
    max_examples=25,
)  # fmt: skip
@given(
    st.integers(0, 99),
    st.integers(6, 40),
    st.integers(6, 40),
    st.sampled_from([1, 3]),
    st.integers(6, 12),
    st.sampled_from(["bilinear", "nearest"]),
)
def test_a_photograph_is_fitted_by_the_files_rule(
    seed: int, height: int, width: int, channels: int, shorter: int, interpolation: str
) -> None:
    engine = changed(lambda graph: with_rule(graph, Resize(shorter, interpolation)))
    pixels = drawn(seed, height, width, channels)
    expected = engine(fit(pixels, SHAPE, Resize(shorter, interpolation))[None])[0]  # type: ignore[arg-type]
    plain = pixels if channels == 3 else pixels[..., 0]
    sources: list[Any] = [encoded(plain), bytearray(encoded(plain)), Image.fromarray(plain)]
    if pixels.shape != SHAPE:
        sources += [pixels, plain]
    for source in sources:
        np.testing.assert_array_equal(engine.predict(source).logits, expected)


def with_rule(graph: Graph, resize: Resize | None) -> Graph:
    return dataclasses.replace(graph, inputs=(dataclasses.replace(graph.inputs[0], resize=resize),))


def test_an_array_of_the_inputs_shape_goes_in_as_it_is() -> None:
    engine = changed(lambda graph: with_rule(graph, Resize(12, "bilinear")))
    image = drawn(2, *SHAPE)
    for array in (image, image.astype(np.float32), np.asfortranarray(image), image[::1]):
        np.testing.assert_array_equal(engine.predict(array).logits, engine(image[None])[0])
    assert not np.array_equal(engine.predict(encoded(image)).logits, engine(image[None])[0])


def test_paths_are_text_bytes_like_names_and_path_objects(tmp_path: Path) -> None:
    path = tmp_path / "photo.bmp"
    path.write_bytes(encoded(drawn(3, 20, 30, 3), "BMP"))
    expected = ENGINE.predict(path.read_bytes()).logits
    for given_path in (path, str(path)):
        np.testing.assert_array_equal(ENGINE.predict(given_path).logits, expected)


def test_a_turned_picture_is_turned_back() -> None:
    upright = Image.fromarray(drawn(4, 20, 30, 3))
    turned = upright.rotate(90, expand=True)
    turned.getexif()[0x0112] = 6
    np.testing.assert_array_equal(ENGINE.predict(turned).logits, ENGINE.predict(upright).logits)


@pytest.mark.parametrize("count", [0, 1, 3, 64, 65])
def test_several_images_are_those_one_by_one_in_order(count: int) -> None:
    batch = drawn(5, count, *SHAPE)
    kinds: list[Callable[[Any], Any]] = [
        lambda image: image,
        lambda image: image.astype(np.float32),
        encoded,
        Image.fromarray,
    ]
    mixed = [kinds[index % 4](image) for index, image in enumerate(batch)]
    expected = [ENGINE.predict(image).logits for image in mixed]
    for several in (mixed, tuple(mixed)):
        found = ENGINE.predict(several)
        assert isinstance(found, list)
        assert all(np.array_equal(a.logits, b) for a, b in zip(found, expected, strict=True))
    found = ENGINE.predict(batch)
    assert [each.index for each in found] == (
        ENGINE(batch).argmax(axis=1).tolist() if count else []
    )


def test_classes_without_names_are_numbers() -> None:
    engine = changed(lambda graph: dataclasses.replace(graph, outputs=(GraphOutput("logits", 7),)))
    found = engine.predict(drawn(6, *SHAPE))
    assert found.name == str(found.index)
    assert {name for name, _ in found.top()} == {"0", "1", "2", "3"}


def test_the_softmax_is_stable_and_ties_go_to_the_first_class() -> None:
    logits = np.array([[3e38, 3e38, -3e38], [-3e38, 0, 0], [1, 1, 1], [200, 0, 1e-30]], np.float32)
    first, second, third, fourth = predictions(logits, SCORES, ["a", "b", "c"], range(4))
    assert first.probabilities.tolist() == [0.5, 0.5, 0]
    assert (first.name, second.name, third.name) == ("a", "b", "a")
    # Of probabilities that are equal once rounded, scores still tell which is the likelier.
    assert [name for name, _ in fourth.top()] == ["a", "c", "b"]
    for bad in (np.inf, np.nan):
        with pytest.raises(SignbitError, match=r"its scores for me\.png are not finite"):
            predictions(
                np.array([[0, 1], [0, bad]], np.float32), SCORES, ["a", "b"], ["you.png", "me.png"]
            )


@pytest.mark.parametrize(
    "image",
    [
        None, 5, 1.5, object(), {"image": 1}, {1, 2}, [[1, 2], [3, 4]], [None],
        np.zeros((9, 9, 3)), np.zeros((9, 9, 3), np.int64), np.zeros((9, 9, 4), np.uint8),
        np.zeros(SHAPE), np.zeros(SHAPE, np.int32), np.zeros((9, 9, 3), np.float32),
        np.zeros((0, 9, 3), np.uint8), np.zeros((9, 0), np.uint8), np.zeros(9, np.uint8),
        np.uint8(3), np.zeros((2, 9, 9, 3, 1), np.uint8), np.zeros((9, 9), bool),
        np.full(SHAPE, np.nan, np.float32),
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused(image: Any) -> None:
    with pytest.raises(InputError):
        ENGINE.predict(image)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.png: not a readable image"):
        ENGINE.predict(tmp_path / "text.png")
    for missing in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(DataError, match=f"{missing.name}: cannot be read"):
            ENGINE.predict(missing)
    with pytest.raises(DataError, match="image: not a readable image"):
        ENGINE.predict(b"no picture")
    with pytest.raises(DataError, match="null character"):
        ENGINE.predict("a\0b.png")


def test_what_cannot_be_read_can_have_its_error_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    good = [encoded(image) for image in drawn(9, 66, *SHAPE)]
    mixed = [good[0], tmp_path / "text.png", None, *good[1:], b""]
    found = ENGINE.predict(mixed, return_exceptions=True)
    errors = [each for each in found if isinstance(each, SignbitError)]
    assert [type(each) for each in (*found[1:3], found[-1])] == [DataError, InputError, DataError]
    assert "text.png: not a readable image" in str(found[1])
    assert len(errors) == 3
    assert all(each.__traceback__ is each.__cause__ is None for each in errors)  # nor an image
    rest = [each for each in found if not isinstance(each, SignbitError)]
    expected = ENGINE.predict(good)
    assert all(np.array_equal(a.logits, b.logits) for a, b in zip(rest, expected, strict=True))
    assert isinstance(ENGINE.predict(b"", return_exceptions=True), DataError)
    without = changed(lambda graph: with_rule(graph, None))
    with pytest.raises(InputError, match="does not say how a photograph becomes"):
        without.predict(good, return_exceptions=True)  # of the network, and of no image


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", None])
def test_no_classes_cannot_be_asked_for(count: Any) -> None:
    with pytest.raises(InputError, match="count: must be a whole number of classes, 1 or more"):
        ENGINE.predict(drawn(6, *SHAPE)).top(count)


def test_without_a_rule_arrays_of_the_inputs_shape_remain() -> None:
    engine = changed(lambda graph: with_rule(graph, None))
    image = drawn(7, *SHAPE)
    np.testing.assert_array_equal(engine.predict(image).logits, engine(image[None])[0])


def test_of_several_outputs_the_first_has_the_scores() -> None:
    added = GraphOutput("m", 3)
    both = changed(lambda graph: dataclasses.replace(graph, outputs=(*graph.outputs, added)))
    image = drawn(7, *SHAPE)
    assert both.predict(image).top() == ENGINE.predict(image).top()
    np.testing.assert_array_equal(both.features(image[None], "m"), both(image[None])["m"])
    (name,) = (each.name for each in ENGINE.outputs)
    np.testing.assert_array_equal(ENGINE.features(image[None], name), ENGINE(image[None]))
    with pytest.raises(InputError, match=r"no output 'stages\.3', only .*keep="):
        both.features(image[None], "stages.3")
    behind = changed(lambda graph: dataclasses.replace(graph, outputs=(added, *graph.outputs)))
    with pytest.raises(InputError, match="its first output 'm' is 3×3×10"):
        behind.predict(image)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda g: dataclasses.replace(g, outputs=(GraphOutput("m", 3),)), "'m' is 3×3×10"),
        (lambda g: dataclasses.replace(g, source={"output": "features"}), "features"),
    ],
)
def test_a_network_that_is_no_classifier_says_so(
    change: Callable[[Graph], Graph], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        changed(change).predict(drawn(8, *SHAPE))
