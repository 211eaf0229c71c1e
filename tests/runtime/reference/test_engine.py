"""What a caller gives the reference engine and gets: feeds, fetches, names, sizes, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from tests.runtime.graphs import Case
from tests.runtime.strategies import networks, severals

from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Step
from signbit.errors import InputError
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

IMAGE, BITS, LOGITS = 0, 1, 2


def small() -> bytes:
    """image (2, 2, 1) → bits → dots → logits of 3 classes."""
    nodes = (
        Node("binarize", "identity", (IMAGE,), outputs=(Output("signs", threshold=0),)),
        Node("fc", "binary_conv", (BITS,), {"kernel": (2, 2), "weight": 1}),
    )
    graph = Graph(
        (GraphInput("image", "image", (2, 2, 1)),),
        (GraphOutput("logits", LOGITS, ("one", "two", "three")),),
        nodes,
    )
    weight = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]], np.bool_)
    return encode(graph, {"0": np.float32([100]), "1": pack_bits(weight)})


def test_call_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "small.sbnn"
    path.write_bytes(small())
    engine = ReferenceEngine(path)
    assert engine.input_shape == (2, 2, 1)
    assert engine.class_names == ["one", "two", "three"]
    images = np.uint8([[99, 100, 255, 0], [200, 200, 200, 200]]).reshape(2, 2, 2, 1)
    logits = engine(images)
    assert logits.dtype == np.float32
    assert logits.tolist() == [[0, 0, 2], [4, -4, 2]]
    assert engine(images.astype(np.float32)).tolist() == logits.tolist()
    assert engine(images[:0]).shape == (0, 3)
    bits = engine.run_nodes({IMAGE: images}, [BITS])[BITS]
    assert bits.ravel().tolist() == [1, 0, 0, 1] + [0] * 4


def test_a_fed_tensor_is_not_computed() -> None:
    engine = ReferenceEngine(small())
    bits = np.ones((1, 2, 2, 1), np.uint8)
    values = engine.run_nodes({BITS: bits}, ["fc#dots", LOGITS, BITS])
    assert values["fc#dots"].ravel().tolist() == [-4, 4, -2]
    assert values[LOGITS].ravel().tolist() == [-4, 4, -2]
    assert values[BITS] is not bits
    np.testing.assert_array_equal(values[BITS], bits)


def test_a_fed_output_stays_though_its_node_runs_for_another() -> None:
    """A node that writes two tensors, of which one is fed."""
    nodes = (
        Node("both", "identity", (0,), outputs=(Output(), Output("signs"))),
        Node("twice", "identity", (1, 1), steps=(Step("add", {"input": 1}),)),
        Node("of signs", "identity", (2, 1), steps=(Step("add", {"input": 1}),)),
    )
    graph = Graph((GraphInput("x", "real", (1, 1, 2)),), (GraphOutput("y", 4),), nodes)
    engine = ReferenceEngine(encode(graph, {}))
    x = np.float32([-3, 4]).reshape(1, 1, 1, 2)
    fed = np.float32([10, 20]).reshape(1, 1, 1, 2)
    values = engine.run_nodes({0: x, 1: fed}, [1, 2, 3, 4])
    assert [values[n].ravel().tolist() for n in (1, 2, 3, 4)] == [
        [10, 20],
        [1, 0],
        [20, 40],
        [9, 21],
    ]


def test_parts_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """However images are cut into parts and blocks, the answers are the same."""
    engine = ReferenceEngine(small())
    images = np.random.default_rng(2).integers(0, 256, (7, 2, 2, 1)).astype(np.uint8)
    expected = engine(images)
    monkeypatch.setattr("signbit.runtime.reference.engine._PART_ELEMENTS", 8)
    monkeypatch.setattr("signbit.runtime.reference.engine._BLOCK_ELEMENTS", 1)
    np.testing.assert_array_equal(engine(images), expected)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(case=networks)
def test_images_do_not_influence_each_other(case: Case) -> None:
    """Every tensor of a batch is that of its images one by one."""
    engine = ReferenceEngine(case.data)
    together = engine.run_nodes(case.feeds, case.fetches)
    for index in range(len(case.feeds[0])):
        feeds = {number: array[index : index + 1] for number, array in case.feeds.items()}
        for fetch, value in engine.run_nodes(feeds, case.fetches).items():
            np.testing.assert_array_equal(value, together[fetch][index : index + 1])


@settings(derandomize=True, deadline=None, max_examples=20)
@given(case=networks)
def test_random_networks_stay_finite(case: Case) -> None:
    """So that comparisons of them mean something."""
    for value in ReferenceEngine(case.data).run_nodes(case.feeds, case.fetches).values():
        assert np.isfinite(value).all()


@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=severals)
def test_named_inputs_and_outputs(case: Case) -> None:
    """Several inputs are given as a dict; several outputs come as one; signs come as ±1."""
    engine = ReferenceEngine(case.data)
    outputs = case.graph.outputs
    values = engine.run_nodes(case.feeds, [output.tensor for output in outputs])
    answer = engine(case.inputs)
    if len(outputs) == 1:
        answer = {outputs[0].name: answer}
    assert list(answer) == [output.name for output in outputs]
    for output in outputs:
        value, tensor = answer[output.name], engine.tensors[output.tensor]
        height, width, channels = tensor.shape
        shape = (channels,) if height == width == 1 else tensor.shape
        assert value.shape == (len(case.feeds[0]), *shape)
        expected = values[output.tensor].reshape(value.shape)
        if tensor.kind == "bits":
            assert value.dtype == np.int8
            expected = np.where(expected, -1, 1)
        np.testing.assert_array_equal(value, expected)


def two_inputs() -> ReferenceEngine:
    graph = Graph(
        (GraphInput("a", "real", (1, 1, 2)), GraphInput("b", "image", (1, 1, 2))),
        (GraphOutput("y", 2), GraphOutput("s", 3)),
        (
            Node("n", "identity", (1, 0), {}, (Step("add", {"input": 1}),)),
            Node("s", "identity", (0,), outputs=(Output("signs"),)),
        ),
    )
    return ReferenceEngine(encode(graph, {}))


def test_two_inputs_by_hand() -> None:
    a, b = np.float32([[[[0.5, -1]]]]), np.uint8([[[[3, 4]]]])
    answer = two_inputs()({"b": b, "a": a})
    assert {name: (y.dtype.name, y.tolist()) for name, y in answer.items()} == {
        "y": ("float32", [[3.5, 3]]),
        "s": ("int8", [[1, -1]]),
    }


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((1, 1, 1, 2), np.float32), "must be a dict of 'a', 'b', or these .*, is ndarray"),
        ({"a": np.zeros((1, 1, 1, 2), np.float32)}, "inputs: 'b' is missing"),
        ({"a": 1, "b": 2, "c": 3}, "the model has no input 'c'"),
        ({"a": 1, "b": 2}, "'a': must be a NumPy array"),
        (
            {"a": np.zeros((1, 1, 1, 2), np.float32), "b": np.zeros((2, 1, 1, 2), np.uint8)},
            "batch sizes differ",
        ),
    ],
)
def test_refused_inputs(inputs: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        two_inputs()(inputs)


PIXELS = np.zeros((1, 2, 2, 1), np.uint8)


def test_one_input_may_be_named_too() -> None:
    engine = ReferenceEngine(small())
    np.testing.assert_array_equal(engine({"image": PIXELS}), engine(PIXELS))
    with pytest.raises(InputError, match="the model has no input 'photo'"):
        engine({"photo": PIXELS})


@pytest.mark.parametrize(
    ("feeds", "fetches", "message"),
    [
        ({}, [LOGITS], "at least one"),
        ({IMAGE: np.zeros((1, 2, 3, 1), np.uint8)}, [LOGITS], "shape"),
        ({IMAGE: np.zeros((2, 2, 1), np.uint8)}, [LOGITS], "shape"),
        ({IMAGE: np.zeros((1, 2, 2, 1), np.float64)}, [LOGITS], "float32"),
        ({IMAGE: np.full((1, 2, 2, 1), np.nan, np.float32)}, [LOGITS], "finite"),
        ({IMAGE: np.full((1, 2, 2, 1), np.inf, np.float32)}, [LOGITS], "finite"),
        ({BITS: np.full((1, 2, 2, 1), 2, np.uint8)}, [LOGITS], "0 or 1"),
        ({BITS: np.zeros((1, 2, 2, 1), np.float32)}, [LOGITS], "tensor 1: .* uint8"),
        ({BITS: [[[[0]]]]}, [LOGITS], "NumPy array"),
        ({3: PIXELS}, [LOGITS], "no tensor 3"),
        ({-1: PIXELS}, [LOGITS], "no tensor -1"),
        ({"bits": PIXELS}, [LOGITS], "no tensor 'bits'"),
        ({BITS: PIXELS}, [3], "fetches: 3 is neither"),
        ({BITS: PIXELS}, [-1], "fetches: -1 is neither"),
        ({BITS: PIXELS}, ["fc"], "'fc' is neither"),
        ({BITS: PIXELS}, ["binarize#dots"], "binarize#dots"),
        ({BITS: PIXELS}, ["nonsense#dots"], "nonsense#dots"),
        ({LOGITS: np.zeros((1, 1, 1, 3), np.float32)}, [BITS], "'image' is needed"),
        ({BITS: PIXELS, IMAGE: np.zeros((2, 2, 2, 1), np.uint8)}, [LOGITS], "batch sizes differ"),
    ],
)
def test_refusals(feeds: dict[Any, Any], fetches: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ReferenceEngine(small()).run_nodes(feeds, fetches)


def fully_convolutional(any_size: bool, kernel: tuple[int, int] = (3, 3)) -> bytes:
    """An image of 5 × 6 → real convolution → mean: at any size, but for a larger kernel."""
    graph = Graph(
        (GraphInput("photo", "image", (5, 6, 2)),),
        (GraphOutput("y", 2),),
        (
            Node("conv", "real_conv", (0,), {"kernel": kernel, "weight": 0}),
            Node("mean", "global_mean", (1,)),
        ),
        any_size=any_size,
    )
    weight = np.random.default_rng(3).standard_normal((4, *kernel, 2)).astype(np.float32)
    return encode(graph, {"0": weight})


@pytest.mark.parametrize("size", [(5, 6), (3, 3), (7, 11), (4, 9)])
def test_a_file_of_any_size_at_another_size(size: tuple[int, int]) -> None:
    engine = ReferenceEngine(fully_convolutional(True), input_size=size)
    assert engine.input_shape == (*size, 2)
    assert engine.tensors[1].shape == (size[0] - 2, size[1] - 2, 4)
    images = np.random.default_rng(4).integers(0, 256, (2, *size, 2)).astype(np.uint8)
    conv = engine.run_nodes({0: images}, [1])[1]
    assert conv.shape == (2, *engine.tensors[1].shape)
    np.testing.assert_allclose(engine(images), conv.mean(axis=(1, 2)), rtol=1e-4)


def test_refused_sizes() -> None:
    for size in ((5, 7), (5, 6)):
        with pytest.raises(InputError, match=r"input_size: .* one size of images; .*--any-size"):
            ReferenceEngine(fully_convolutional(False), input_size=size)
    free = fully_convolutional(True)
    with pytest.raises(InputError, match=r"input_size: \(2, 9\) does not fit: .*kernel"):
        ReferenceEngine(free, input_size=(2, 9))
    with pytest.raises(InputError, match=r"input_size: \(0, 9\) does not fit: .*height"):
        ReferenceEngine(free, input_size=(0, 9))
