"""Several inputs and outputs by name: what a call takes and gives, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.bitformat.builder import REAL, Builder

import signbit
from signbit.bitformat import encode
from signbit.bitformat.graph import Output, Step
from signbit.errors import InputError
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]


def two_and_two() -> bytes:
    """A photograph times a mask, and a gain for each channel of it → reals, and their signs."""
    b = Builder(5)
    photo = b.input("photo", "image", 4, 3, 2)
    mask = b.input("mask", "real", 4, 3, 1)
    gain = b.input("gain", "real", 1, 1, 2)
    masked, signs = b.node(
        "masked",
        "identity",
        (photo, mask, gain),
        Step("multiply", {"input": 1, "repeat": "tile"}),
        Step("multiply", {"input": 2, "every": (0, 0)}),
        outputs=(REAL, Output("signs")),
    )
    b.output("masked", masked)
    b.output("negative", signs)
    graph, constants = b.sample()
    return encode(graph, constants)


def inputs(count: int) -> dict[str, Array]:
    rng = np.random.default_rng(count)
    return {
        "gain": rng.standard_normal((count, 1, 1, 2)).astype(np.float32),
        "mask": rng.standard_normal((count, 4, 3, 1)).astype(np.float32),
        "photo": rng.integers(0, 256, (count, 4, 3, 2)).astype(np.uint8),
    }


def test_names_of_any_characters() -> None:
    """Also of those that end a text in C."""
    b = Builder(6)
    first = b.input("a\0b", "real", 1, 1, 2)
    second = b.input("a\0c\n", "real", 1, 1, 2)
    total = b.node("\0sum", "identity", (first, second), Step("add", {"input": 1}))
    b.output("é\0", total, "\0", "\0\0")
    b.output(
        "é", first_signs := b.node("\0signs", "identity", (total,), outputs=(Output("signs"),))
    )
    engine = signbit.load(encode(*b.sample(source={"from\0": "here\0\n"})), threads=1)
    assert [each.name for each in engine.inputs] == ["a\0b", "a\0c\n"]
    assert [each.name for each in engine.outputs] == ["é\0", "é"]
    assert engine.class_names == ["\0", "\0\0"]
    assert engine.source == {"from\0": "here\0\n"}
    assert [node["name"] for node in engine.explain()] == ["\0sum", "\0signs"]
    ones = np.ones((1, 1, 1, 2), np.float32)
    answer = engine({"a\0b": ones, "a\0c\n": ones})
    np.testing.assert_array_equal(answer["é\0"], 2 * ones[:, 0, 0])
    assert engine.run_nodes({total: -ones}, [first_signs])[first_signs].all()
    engine.source.clear()
    assert engine.source


@pytest.mark.parametrize("isa", signbit.cpu_isas())
@pytest.mark.parametrize("count", [0, 1, 5])
def test_names_go_in_and_come_out(isa: str, count: int) -> None:
    engine, given = signbit.load(two_and_two(), threads=2, isa=isa), inputs(count)
    answer = engine(given)
    product = given["photo"] * given["mask"] * given["gain"]
    assert list(answer) == ["masked", "negative"]
    np.testing.assert_array_equal(answer["masked"], product.astype(np.float32))
    assert answer["negative"].dtype == np.int8
    np.testing.assert_array_equal(answer["negative"], np.where(product < 0, -1, 1))
    for name, array in ReferenceEngine(two_and_two())(given).items():
        np.testing.assert_array_equal(answer[name], array)
    reports = engine.explain(given if count else None)
    assert [report["name"] for report in reports] == ["masked"]


def test_what_goes_in_and_comes_out_is_described() -> None:
    engine = signbit.load(two_and_two())
    assert [(each.name, each.kind, each.shape) for each in engine.inputs] == [
        ("photo", "image", (4, 3, 2)),
        ("mask", "real", (4, 3, 1)),
        ("gain", "real", (1, 1, 2)),
    ]
    assert [(each.name, each.kind, each.shape, each.classes) for each in engine.outputs] == [
        ("masked", "real", (4, 3, 2), ()),
        ("negative", "bits", (4, 3, 2), ()),
    ]


def changed(**arrays: Any) -> Any:
    return {name: array for name, array in {**inputs(2), **arrays}.items() if array is not None}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (inputs(2)["photo"], "inputs: must be a dict of 'photo', 'mask', 'gain'"),
        (changed(gain=None), "inputs: 'gain' is missing"),
        (changed(bias=inputs(2)["gain"]), "inputs: the model has no input 'bias'"),
        (changed(gain=inputs(3)["gain"]), "inputs: batch sizes differ"),
        (changed(gain=inputs(2)["mask"]), "'gain': must have shape"),
        (changed(mask=inputs(2)["photo"][..., :1]), "'mask': must be a NumPy array of float32"),
        (changed(photo=np.full((2, 4, 3, 2), np.nan, np.float32)), "'photo': image 0 has a pixel"),
    ],
)
def test_what_does_not_fit_is_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        signbit.load(two_and_two())(given)


def test_a_single_input_may_be_named_too() -> None:
    b = Builder(6)
    image = b.input("photo", "image", 2, 2, 3)
    b.output("mean", b.node("mean", "global_mean", (b.node("pixels", "identity", (image,)),)))
    graph, constants = b.sample()
    engine = signbit.load(encode(graph, constants))
    pixels = np.full((1, 2, 2, 3), 7, np.uint8)
    np.testing.assert_array_equal(engine({"photo": pixels}), engine(pixels))
    np.testing.assert_array_equal(engine(pixels), np.full((1, 3), 7, np.float32))


@pytest.mark.parametrize("size", [(0, 3), (3,), (3, 3, 3), "33", 3, (1.5, 2)])
def test_an_input_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises(InputError, match=r"^input_size: "):
        signbit.load(two_and_two(), input_size=size)


def test_a_file_of_one_size_has_that_size() -> None:
    with pytest.raises(InputError, match="size"):
        signbit.load(two_and_two(), input_size=(8, 8))


def test_the_repr_of_an_engine_is_short() -> None:
    engine = signbit.load(two_and_two(), threads=1, isa="scalar")
    assert repr(engine) == (
        "<signbit.Engine 'photo' 4×3×2, 'mask' 4×3×1, 1 more → 'masked' 4×3×2, 'negative' 4×3×2, "
        "scalar, threads=1>"
    )
    b = Builder(5)
    b.output("\x1b[2J" * 9999, b.node("same", "identity", (b.input("i" * 9999, "real", 1, 1, 3),)))
    graph, constants = b.sample()
    for shown in (repr(signbit.load(encode(graph, constants))), repr(graph)):
        assert len(shown) < 200
        assert "\x1b" not in shown
