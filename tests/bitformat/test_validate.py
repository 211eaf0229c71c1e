"""Each rule of docs/format.md, broken alone in an otherwise valid file, is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bitformat.samples import Constants, sample
from tests.runtime import newest
from tests.runtime.graphs import Case
from tests.runtime.strategies import int16_networks, networks

from signbit.bitformat.graph import Graph, InputSpec, Node, Pool, Shortcut, SignOutput, TensorSpec
from signbit.bitformat.validate import validate
from signbit.errors import ModelFileError

STEM, BODY, POOL, MEAN, FC = range(5)


def refuse(graph: Graph, constants: Constants, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        validate(graph, constants)


def with_node(index: int, **changes: Any) -> Graph:
    graph, _ = sample()
    nodes = list(graph.nodes)
    nodes[index] = replace(nodes[index], **changes)
    return replace(graph, nodes=tuple(nodes))


def with_tensor(index: int, **changes: Any) -> Graph:
    graph, _ = sample()
    tensors = list(graph.tensors)
    tensors[index] = replace(tensors[index], **changes)
    return replace(graph, tensors=tuple(tensors))


def test_the_sample_is_valid() -> None:
    validate(*sample())


@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=st.one_of(networks, int16_networks, newest.networks))
def test_networks_are_valid(case: Case) -> None:
    validate(case.graph, case.constants)


@pytest.mark.parametrize(
    ("index", "changes", "message"),
    [
        (BODY, {"name": "stem"}, r"nodes\[1\].*name.*earlier node"),
        (BODY, {"op": "softmax"}, r"nodes\[1\].*op: must be one of"),
        (BODY, {"input": "nowhere"}, r"input: unknown tensor 'nowhere'"),
        (STEM, {"input": "body"}, r"nodes\[0\].*reads 'body', which no earlier node"),
        (BODY, {"input": "body.bits"}, "reads 'body.bits', which no earlier node"),
        (BODY, {"input": "stem"}, "binary_conv reads bits, 'stem' is real"),
        (MEAN, {"input": "image"}, "global_mean reads real, 'image' is image"),
        (BODY, {"kernel": None}, "kernel: is missing"),
        (BODY, {"pad_value": "stem.pad"}, "pad_value: binary_conv has no such key"),
        (MEAN, {"stride": (1, 1)}, "stride: global_mean has no such key"),
        (BODY, {"kernel": (3, 0)}, r"kernel\[1\]: must be 1 to 16384, is 0"),
        (BODY, {"kernel": (16_385, 3)}, r"kernel\[0\]"),
        (BODY, {"stride": (0, 1)}, r"stride\[0\]: must be 1"),
        (BODY, {"padding": (1, -1)}, r"padding\[1\]: must be 0"),
        (BODY, {"padding": (1, 16_385)}, r"padding\[1\]"),
        (BODY, {"dilation": (1, 0)}, r"dilation\[1\]"),
        (BODY, {"dilation": (9, 1)}, "kernel: does not fit"),
        (BODY, {"groups": 0}, "groups: must be 1"),
        (BODY, {"groups": 3}, "groups: 3 does not divide the 8 input"),
        (BODY, {"groups": 4}, "weight: has unused bits"),
        (FC, {"kernel": (7, 1)}, "weight: must have shape"),
        (BODY, {"weight": "nothing"}, "no tensor 'nothing' in the file"),
        (BODY, {"weight": "stem.weight"}, "must be U64, is float32"),
        (STEM, {"weight": "stem.pad"}, "weight: must have shape"),
        (BODY, {"pool": Pool((7, 1), (1, 1))}, "pool.kernel: does not fit"),
        (BODY, {"pool": Pool((2, 2), (0, 2))}, r"pool\.stride\[0\]"),
        (BODY, {"shift": None}, "scale and shift go together"),
        (BODY, {"scale": "stem.pad"}, r"scale: 'stem.pad' must have shape \(10,\)"),
        (BODY, {"scale": "body.threshold"}, "must be F32, is int32"),
        (BODY, {"shortcut": Shortcut("stem.bits", (2, 2), 1)}, "shortcut.tensor: must be real"),
        (BODY, {"shortcut": Shortcut("mean", (0, 0), 0)}, "'mean', which no earlier node"),
        (BODY, {"shortcut": Shortcut("stem", (3, 2), 1)}, "stride: reads outside 'stem'"),
        (BODY, {"shortcut": Shortcut("stem", (2, 0), 1)}, "must be .0, 0. or positive"),
        (BODY, {"shortcut": Shortcut("stem", (0, 0), 1)}, "broadcasts a 1×1 tensor"),
        (BODY, {"shortcut": Shortcut("stem", (2, 2), -1)}, "offset: must be 0"),
        (BODY, {"shortcut": Shortcut("stem", (2, 2), 65_537)}, "offset: must be 0"),
        (BODY, {"activation": "gelu"}, "activation: must be one of relu"),
        (BODY, {"activation": "relu"}, "slope: goes with the activation prelu or maxout"),
        (BODY, {"slope": None}, "slope: goes with the activation prelu"),
        (BODY, {"real": "nowhere"}, "real: unknown tensor"),
        (BODY, {"real": "stem"}, "'stem' is written already"),
        (BODY, {"real": "image"}, "'image' is written already"),
        (BODY, {"real": "pooled.bits"}, "writes real, 'pooled.bits' is bits"),
        (BODY, {"real": "mean"}, r"yields \(3, 3, 10\), 'mean' is declared as \(1, 1, 10\)"),
        (BODY, {"real": None}, "'body', which no earlier node"),
        (MEAN, {"real": None}, "neither real nor signs"),
        (POOL, {"padding": (2, 1)}, "padding: must be less than the kernel"),
        (POOL, {"activation": "relu"}, "max_pool of bits"),
        (POOL, {"scale": "body.scale", "shift": "body.shift"}, "max_pool of bits"),
        (POOL, {"input": "body", "padding": (0, 0)}, r"yields \(1, 1, 10\)"),
    ],
)
def test_nodes(index: int, changes: dict[str, Any], message: str) -> None:
    refuse(with_node(index, **changes), sample()[1], message)


@pytest.mark.parametrize(
    ("index", "output", "message"),
    [
        (STEM, SignOutput("stem.bits", "nothing", "stem.flip"), "threshold: no tensor 'nothing'"),
        (STEM, SignOutput("stem.bits", "body.threshold", "stem.flip"), "must be F32, is int32"),
        (BODY, SignOutput("body.bits", "body.flip", "body.flip"), "must be F32 or I32"),
        (BODY, SignOutput("body.bits", "stem.threshold", "body.flip"), "shape"),
        (BODY, SignOutput("body.bits", "body.threshold", "body.scale"), "flip.*must be U8"),
        (BODY, SignOutput("body.bits", "body.threshold", "stem.flip"), "flip.*shape"),
        (BODY, SignOutput("body", "body.threshold", "body.flip"), "'body' is written already"),
        (POOL, SignOutput("pooled.bits", "body.scale", "pool.flip"), "must be 0 for max_pool"),
    ],
)
def test_signs(index: int, output: SignOutput, message: str) -> None:
    refuse(with_node(index, signs=(output,)), sample()[1], message)


@pytest.mark.parametrize(
    ("index", "changes", "message"),
    [
        (1, {"name": "image"}, "is declared twice"),
        (1, {"kind": "complex"}, "kind: must be one of"),
        (1, {"kind": "image"}, "the one tensor of kind image"),
        (0, {"kind": "real"}, "the one tensor of kind image"),
        (0, {"height": 0}, "height: must be 1 to 16384, is 0"),
        (0, {"width": 16_385}, "width"),
        (0, {"channels": 65_537}, "channels"),
        (0, {"height": 16_384, "width": 16_384, "channels": 5}, "more than 1073741824 elements"),
        (0, {"channels": 4}, "weight: must have shape"),
        (1, {"height": 5}, r"yields \(6, 6, 8\)"),
    ],
)
def test_tensors(index: int, changes: dict[str, Any], message: str) -> None:
    refuse(with_tensor(index, **changes), sample()[1], message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": "nowhere"}, "output: unknown tensor"),
        ({"output": "stem.bits"}, "output: must be a real tensor"),
        ({"classes": ("one", "two")}, "classes: has 2 names, the output has 4 channels"),
        ({"input": InputSpec("stem", 7)}, "input.tensor"),
        ({"input": InputSpec("nowhere", 7)}, "input.tensor"),
        ({"input": InputSpec("image", 0)}, "resize_shorter_side"),
        ({"input": InputSpec("image", 16_385)}, "resize_shorter_side"),
        ({"input": InputSpec("image", 7, "cubic")}, "interpolation"),
        (
            {"input": InputSpec("image", 7, "nearest", "ceiling")},
            "resize_rule: must be one of torch",
        ),
        ({"nodes": ()}, "nodes"),
        ({"tensors": ()}, "tensors"),
    ],
)
def test_graphs(changes: dict[str, Any], message: str) -> None:
    graph, constants = sample()
    refuse(replace(graph, **changes), constants, message)


def test_a_tensor_that_no_node_writes() -> None:
    graph, constants = sample()
    tensors = (*graph.tensors, TensorSpec("spare", "real", 1, 1, 1))
    refuse(replace(graph, tensors=tensors), constants, "no node writes 'spare'")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("body.scale", np.full(10, np.nan, np.float32), "not finite"),
        ("stem.weight", np.full((8, 3, 3, 3), np.inf, np.float32), "not finite"),
        ("stem.threshold", np.full(8, -np.inf, np.float32), "not finite"),
        ("stem.flip", np.full(8, 2, np.uint8), "must be 0 or 1"),
        ("body.weight", np.full((10, 1), 1 << 36, np.uint64), "unused bits"),
        ("body.weight", np.full((10, 1), 1 << 63, np.uint64), "unused bits"),
        ("body.weight", np.zeros((10, 2), np.uint64), r"must have shape \(out, 1\)"),
        ("body.weight", np.zeros((12, 1), np.uint64), "shape"),
        ("body.weight", np.zeros((0, 1), np.uint64), "output channels"),
        ("body.weight", np.zeros(10, np.uint64), "shape"),
        ("body.weight", np.zeros((10, 1), np.int64), "must be U64"),
        ("body.scale", np.zeros(10, np.float64), "must be F32"),
        ("spare", np.zeros(1, np.float32), "no node uses"),
    ],
)
def test_constants(name: str, array: Any, message: str) -> None:
    graph, constants = sample()
    refuse(graph, {**constants, name: array}, message)


def _convolutions(*groups: int) -> tuple[Graph, Constants]:
    """One bits tensor of 4 channels read by 1×1 convolutions of these groups."""
    binarize = Node("binarize", "pointwise", "image", signs=(SignOutput("b", "t", "f"),))
    tensors = [TensorSpec("image", "image", 1, 1, 4), TensorSpec("b", "bits", 1, 1, 4)]
    nodes = [binarize]
    one = {"kernel": (1, 1), "stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
    for index, count in enumerate(groups):
        name = f"c{index}"
        tensors.append(TensorSpec(name, "real", 1, 1, 4))
        nodes.append(Node(name, "binary_conv", "b", **one, groups=count, weight="w", real=name))
    graph = Graph(InputSpec("image", 1), "c0", tuple(tensors), tuple(nodes))
    flip = np.zeros(4, np.uint8)
    return graph, {"t": np.zeros(4, np.float32), "f": flip, "w": np.zeros((4, 1), np.uint64)}


def test_one_bits_tensor_has_one_grouping() -> None:
    validate(*_convolutions(1, 2, 1, 2))
    refuse(*_convolutions(2, 4), "is 4, but an earlier node reads 'b' in 2 groups")


def test_a_dot_product_stays_exact_in_float32() -> None:
    """2^24 taps are one too many."""
    graph, constants = _convolutions(1)
    tensors = (
        TensorSpec("image", "image", 256, 256, 256),
        TensorSpec("b", "bits", 256, 256, 256),
        TensorSpec("c0", "real", 1, 1, 4),
    )
    wide = replace(graph.nodes[1], kernel=(256, 256))
    graph = replace(graph, tensors=tensors, nodes=(graph.nodes[0], wide))
    constants = {
        "t": np.zeros(256, np.float32),
        "f": np.zeros(256, np.uint8),
        "w": np.zeros((4, 2**18), np.uint64),
    }
    refuse(graph, constants, "taps of one dot product: must be 1 to 16777215, is 16777216")
