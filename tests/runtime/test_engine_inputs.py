"""What a caller may give the native engine is what the reference takes, and refusals are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.runtime.identity import ISAS, assert_identical, named

import signbit
from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Step
from signbit.errors import InputError
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

IMAGE, STEM, BITS, MEAN, LOGITS = range(5)


def small() -> bytes:
    """6×6 RGB → real stem, its signs and its mean → 4 classes."""
    rng = np.random.default_rng(0)
    nodes = (
        Node(
            "stem",
            "real_conv",
            (IMAGE,),
            {"kernel": (3, 3), "padding": (1, 1, 1, 1), "weight": 0},
            outputs=(Output(), Output("signs")),
        ),
        Node("mean", "global_mean", (STEM,)),
        Node(
            "fc",
            "binary_conv",
            (BITS, MEAN),
            {"kernel": (6, 6), "weight": 1},
            (Step("add", {"input": 1, "every": (0, 0)}),),
        ),
    )
    graph = Graph(
        (GraphInput("image", "image", (6, 6, 3)),),
        (GraphOutput("logits", LOGITS, ("cat", "dog", "émeu", "Ω")),),
        nodes,
        {"recipe": 'a "quoted" one\n', "méthode": "bnn"},
    )
    weight = rng.standard_normal((8, 3, 3, 3)).astype(np.float32)
    return encode(graph, {"0": weight, "1": pack_bits(rng.random((4, 288)) < 0.5)})


def test_public_attributes_agree() -> None:
    reference, engine = ReferenceEngine(small()), signbit.load(small())
    assert engine.input_shape == reference.input_shape == (6, 6, 3)
    assert engine.class_names == reference.class_names == ["cat", "dog", "émeu", "Ω"]
    assert engine.source == reference.graph.source


PIXELS = np.zeros((1, 6, 6, 3), np.uint8)


@pytest.mark.parametrize(
    ("feeds", "fetches"),
    [
        ({}, [LOGITS]),
        ({IMAGE: np.zeros((1, 6, 5, 3), np.uint8)}, [LOGITS]),
        ({IMAGE: np.zeros((6, 6, 3), np.uint8)}, [LOGITS]),
        ({IMAGE: np.zeros((1, 3, 6, 6), np.uint8)}, [LOGITS]),
        ({IMAGE: np.zeros((1, 6, 6, 3), np.float64)}, [LOGITS]),
        ({IMAGE: np.zeros((1, 6, 6, 3), np.int8)}, [LOGITS]),
        ({IMAGE: np.full((1, 6, 6, 3), np.nan, np.float32)}, [LOGITS]),
        ({IMAGE: np.full((1, 6, 6, 3), -np.inf, np.float32)}, [LOGITS]),
        ({BITS: np.zeros((1, 6, 6, 8), np.uint8)}, [LOGITS]),
        ({BITS: np.full((1, 6, 6, 8), 2, np.uint8)}, ["fc#dots"]),
        ({BITS: np.zeros((1, 6, 6, 8), np.float32)}, ["fc#dots"]),
        ({STEM: np.zeros((1, 6, 6, 8), np.uint8)}, [STEM]),
        ({IMAGE: PIXELS}, [9]),
        ({IMAGE: PIXELS}, [-1]),
        ({IMAGE: PIXELS}, ["mean#dots"]),
        ({IMAGE: PIXELS}, ["softmax#dots"]),
        ({IMAGE: PIXELS}, ["logits"]),
        ({9: PIXELS}, [LOGITS]),
        ({"image": PIXELS}, [LOGITS]),
        ({IMAGE: PIXELS, MEAN: np.zeros((2, 1, 1, 8), np.float32)}, [LOGITS]),
    ],
)
def test_both_refuse_the_same_feeds(feeds: dict[Any, Array], fetches: list[Any]) -> None:
    for engine in (ReferenceEngine(small()), signbit.load(small())):
        with pytest.raises(InputError) as caught:
            engine.run_nodes(feeds, fetches)
        assert len(str(caught.value)) > 10


def two_inputs() -> bytes:
    graph = Graph(
        (GraphInput("a", "real", (1, 1, 2)), GraphInput("b", "image", (1, 1, 2))),
        (GraphOutput("y", 2), GraphOutput("s", 3)),
        (
            Node("n", "identity", (1, 0), {}, (Step("add", {"input": 1}),)),
            Node("s", "identity", (0,), outputs=(Output("signs"),)),
        ),
    )
    return encode(graph, {})


@pytest.mark.parametrize(
    "inputs",
    [
        np.zeros((1, 1, 1, 2), np.float32),
        {"a": np.zeros((1, 1, 1, 2), np.float32)},
        {"a": 1, "b": 2, "c": 3},
        {"a": 1, "b": 2},
        {"a": np.zeros((1, 1, 1, 2), np.float32), "b": np.zeros((2, 1, 1, 2), np.uint8)},
    ],
)
def test_both_refuse_the_same_inputs(inputs: Any) -> None:
    for engine in (ReferenceEngine(two_inputs()), signbit.load(two_inputs())):
        with pytest.raises(InputError) as caught:
            engine(inputs)
        assert len(str(caught.value)) > 10


def test_images_in_any_memory_layout() -> None:
    """Strided, reversed and Fortran-ordered arrays are the arrays they show."""
    engine, reference = signbit.load(small()), ReferenceEngine(small())
    images = np.random.default_rng(5).integers(0, 256, (4, 6, 6, 3)).astype(np.uint8)
    for view in (images[::2], images[:, ::-1], np.asfortranarray(images), images[..., ::-1]):
        assert_identical(named(engine(view)), named(reference(view)))


def offset_sample() -> bytes:
    """Everything that a convolution of values that are not symmetric needs: map, sums, borders."""
    rng = np.random.default_rng(2)

    def floats(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(np.float32)

    windows = {"kernel": (3, 3), "padding": (1, 1, 1, 1)}
    sets = ((1, 3), (0, 3), (0, 2))
    nodes = (
        Node("input", "identity", (0,), outputs=(Output(), Output("signs"))),
        Node("mean", "mean_abs", (1,)),
        Node("map", "real_conv", (3,), {**windows, "weight": 0}),
        Node("sums", "sign_sum", (2,), windows),
        Node(
            "conv",
            "binary_conv",
            (2, 4, 5),
            {**windows, "weight": 1},
            (
                Step("multiply", {"input": 1, "repeat": "tile"}),
                Step("affine", {"scale": 2, "shift": 3, "row_taps": sets, "column_taps": sets}),
                Step("add", {"input": 2, "repeat": "each", "weighted": 4}),
            ),
            (Output("signs"),),
        ),
        Node("head", "real_conv", (6,), {"kernel": (6, 5), "weight": 5}),
    )
    graph = Graph((GraphInput("image", "image", (6, 5, 8)),), (GraphOutput("y", 7),), nodes)
    constants = {
        "0": np.full((1, 3, 3, 1), 1 / 9, np.float32),
        "1": pack_bits(rng.random((8, 72)) < 0.5),
        "2": floats(8),
        "3": floats(3, 3, 8),
        "4": floats(8),
        "5": pack_bits(rng.random((4, 240)) < 0.5),
    }
    return encode(graph, constants)


@pytest.mark.parametrize("isa", ISAS)
def test_explain_names_the_parts(isa: str) -> None:
    reports = signbit.load(offset_sample(), threads=1, isa=isa).explain()
    assert [report["kernel"] for report in reports] == [
        f"identity_f32_{isa}",
        f"mean_abs_f32_{isa}",
        f"conv_f32_{isa}",
        f"sign_sum_b1_{isa}",
        f"conv_b1_{isa}+map+sums+border",
        f"conv_f32_{isa}+signs+packed",
    ]
    limits = [report["limit_gmacs_per_s"] for report in reports]
    assert [limit is not None for limit in limits] == [False, False, True, False, True, True]
