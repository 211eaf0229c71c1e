"""Each rule of docs/format.md, broken alone in an otherwise valid graph, is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.bitformat.builder import Builder, Constants, Sample
from tests.bitformat.samples import (
    Make,
    confident,
    offsets_sample,
    operations_sample,
    sample,
)

from signbit.bitformat import pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Output, Resize
from signbit.bitformat.table import LIMITS
from signbit.bitformat.validate import Tensor, validate
from signbit.errors import ModelFileError

STEM, BODY, POOL, MEAN, FC = range(5)
"""Nodes of `sample`."""
PREPARE, MEAN_ABS, BOX, SUM, CONVOLVE, HEAD = range(6)
"""Nodes of `offsets_sample`."""


def refuse(graph: Graph, constants: Constants, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        validate(graph, constants)


def with_node(make: Make, index: int, **changes: Any) -> Graph:
    """A sample with fields of a node changed; keys in capitals are keys of its operation."""
    graph, _ = make()
    nodes = list(graph.nodes)
    keys = {key.lower(): changes.pop(key) for key in list(changes) if key.isupper()}
    nodes[index] = replace(nodes[index], **changes)
    nodes[index] = replace(nodes[index], keys={**nodes[index].keys, **keys})
    return replace(graph, nodes=tuple(nodes))


def test_tensors_are_derived() -> None:
    assert validate(*sample()) == (
        Tensor("image", (6, 6, 3)),
        Tensor("real", (6, 6, 8)),
        Tensor("bits", (6, 6, 8)),
        Tensor("real", (3, 3, 10)),
        Tensor("bits", (3, 3, 10)),
        Tensor("bits", (2, 2, 10)),
        Tensor("real", (1, 1, 10)),
        Tensor("real", (1, 1, 4)),
    )


@pytest.mark.parametrize(
    ("make", "index", "changes", "message"),
    [
        (sample, BODY, {"name": "stem"}, r"name: 'stem' is an earlier node's$"),
        (sample, STEM, {"inputs": (3,)}, r"inputs\[0\]: reads tensor 3, which no earlier node"),
        (sample, BODY, {"inputs": (4, 1)}, r"inputs\[0\]: reads tensor 4, which no earlier"),
        (sample, BODY, {"inputs": (-1, 1)}, r"inputs\[0\]: reads tensor -1"),
        (sample, BODY, {"inputs": (1, 1)}, r"inputs\[0\]: must be bits, is real"),
        (sample, BODY, {"inputs": (2, 2)}, r"inputs\[1\]: must be real, is bits"),
        (sample, BODY, {"inputs": (2, 1, 1)}, r"inputs\[2\]: is read by no step"),
        (sample, BODY, {"inputs": (2,)}, r"steps\[1\]\.input: is 1, of 1 inputs"),
        (sample, BODY, {"inputs": ()}, r"inputs: binary_conv reads 1, the node has 0"),
        (sample, MEAN, {"inputs": (0,)}, r"inputs\[0\]: must be real, is image"),
        (sample, BODY, {"DILATION": (9, 1)}, "kernel: does not fit"),
        (sample, BODY, {"GROUPS": 3}, "groups: 3 does not divide the 8 input"),
        (sample, BODY, {"GROUPS": 4}, "weight: has 10 filters, which 4 groups do not"),
        (sample, FC, {"KERNEL": (7, 1)}, "weight: must have shape"),
        (sample, BODY, {"WEIGHT": 99}, "weight: no tensor '99' in the file"),
        (sample, BODY, {"WEIGHT": 0}, "weight: tensor '0' must be U64, is float32"),
        (sample, STEM, {"WEIGHT": 1}, "weight: must have shape"),
        (sample, BODY, {"POOL_KERNEL": (7, 1)}, "pool_kernel: does not fit"),
        (sample, POOL, {"PADDING": (2, 1, 1, 1)}, "padding: must be less than the kernel"),
        (sample, POOL, {"PADDING": (1, 1, 1, 2)}, "padding: must be less than the kernel"),
        (sample, POOL, {"DILATION": (4, 1)}, "dilation: must be no more than the input's size"),
        (sample, MEAN, {"outputs": (Output("real", 1),)}, r"outputs\[0\]\.after: is 1, of 0 steps"),
        (offsets_sample, SUM, {"inputs": (1,)}, r"inputs\[0\]: must be bits, is real"),
        (offsets_sample, SUM, {"GROUPS": 3}, "groups: 3 does not divide the 4 input"),
        (offsets_sample, SUM, {"GROUPS": 4}, "groups: is 2, but an earlier node reads the same"),
        (offsets_sample, SUM, {"KERNEL": (9, 3)}, "kernel: does not fit"),
        (offsets_sample, SUM, {"PADDING": (0, 1, 1, 1)}, r"steps\[2\]\.every: reads outside"),
        (offsets_sample, MEAN_ABS, {"inputs": (2,)}, r"inputs\[0\]: must be real, is bits"),
        (offsets_sample, HEAD, {"WEIGHT": 10}, r"weight: must have shape \(out, 5\)"),
        (operations_sample, 5, {"inputs": (7,)}, r"inputs: concat reads 2, the node has 1"),
        (operations_sample, 5, {"inputs": (7, 3, 6)}, r"inputs\[1\]: is of another kind"),
        (operations_sample, 5, {"inputs": (7, 2, 6)}, r"inputs\[1\]: has \(8, 8\) pixels"),
    ],
)
def test_nodes(make: Make, index: int, changes: dict[str, Any], message: str) -> None:
    graph = with_node(make, index, **changes)
    refuse(graph, make()[1], rf"^nodes\[\d+\]\.{message}")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0, 0.5), "must begin with a temperature above 0"),
        ((-1, 0.5), "must begin with a temperature above 0"),
        ((1, -0.1), "must end with a probability from 0 to below 1"),
        ((1, 1), "must end with a probability from 0 to below 1"),
        ((np.nan, 0), "has a NaN or infinity"),
        ((1, np.inf), "has a NaN or infinity"),
    ],
)
def test_confidences(values: tuple[float, float], message: str) -> None:
    refuse(*confident(sample(), *values), rf"^outputs\[0\]\.confidence: .*{message}")


def test_a_confidence_is_of_two_numbers_and_of_reals() -> None:
    graph, constants = confident(sample(), 1, 0)
    refuse(
        graph,
        {**constants, str(len(constants) - 1): np.ones(3, np.float32)},
        r"^outputs\[0\]\.confidence: .* must have shape \(2,\)",
    )
    signs = replace(graph.outputs[0], tensor=2, classes=())
    refuse(
        replace(graph, outputs=(signs,)), constants, r"^outputs\[0\]\.confidence: goes with reals"
    )


def test_a_message_about_a_node_ends_with_its_name() -> None:
    refuse(with_node(sample, BODY, GROUPS=3), sample()[1], r" \(node 'body'\)$")


@pytest.mark.parametrize(
    ("index", "output", "message"),
    [
        (STEM, Output("signs", threshold=99), "threshold: no tensor '99'"),
        (STEM, Output("signs", threshold=8), r"threshold: .* must have shape \(8,\)"),
        (BODY, Output("signs", threshold=9), "threshold: .* must be F32 or I32"),
        (BODY, Output("signs", threshold=8), "after: must be 0, as an I32 threshold"),
        (BODY, Output("signs", 4), "after: is 4, of 3 steps"),
        (BODY, Output("signs", flip=4), "flip: .* must be U8"),
        (BODY, Output("signs", flip=3), "flip: .* shape"),
    ],
)
def test_outputs_of_nodes(index: int, output: Output, message: str) -> None:
    graph, constants = sample()
    outputs = (*graph.nodes[index].outputs, output)
    refuse(with_node(sample, index, outputs=outputs), constants, rf"outputs\[2\]\.{message}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": ()}, "^nodes: must be 1 to 65536, is 0"),
        ({"inputs": ()}, "^inputs: must be 1 to 64, is 0"),
        ({"outputs": ()}, "^outputs: must be 1 to 64, is 0"),
        ({"outputs": (GraphOutput("y", 0),)}, r"^outputs\[0\]\.tensor: no node writes tensor 0"),
        ({"outputs": (GraphOutput("y", 8),)}, r"^outputs\[0\]\.tensor: no node writes tensor 8"),
        (
            {"outputs": (GraphOutput("y", 7), GraphOutput("y", 6))},
            r"^outputs\[1\]\.name: 'y' is an earlier one's",
        ),
        (
            {"outputs": (GraphOutput("y", 7, ("one", "two")),)},
            r"^outputs\[0\]\.classes: has 2 names, the tensor has 4 channels",
        ),
        (
            {"inputs": (GraphInput("x", "real", (6, 6, 3), Resize(6)),)},
            r"^inputs\[0\]\.resize: goes with images",
        ),
        (
            {"inputs": (GraphInput("x", "image", (6, 6, 3), Resize(letterbox=(1,))),)},
            r"^inputs\[0\]\.resize\.letterbox: must have one value for each of the 3 channels",
        ),
        (
            {"inputs": (GraphInput("x", "image", (6, 6, 1), Resize(6, colours="bgr")),)},
            r"^inputs\[0\]\.resize\.colours: goes with 3 channels",
        ),
        (
            {"inputs": (GraphInput("x", "image", (16_384, 16_384, 5)),)},
            r"^inputs\[0\]: has more than 1073741824 elements",
        ),
        (
            {"inputs": (GraphInput("x", "image", (6, 6, 3)),) * 2},
            r"^inputs\[1\]\.name: 'x' is an earlier one's",
        ),
    ],
)
def test_graphs(changes: dict[str, Any], message: str) -> None:
    graph, constants = sample()
    refuse(replace(graph, **changes), constants, message)


def test_signs_may_be_an_output() -> None:
    graph, constants = sample()
    outputs = (GraphOutput("signs", 4), GraphOutput("reals", 3))
    validate(replace(graph, outputs=outputs), constants)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("4", np.full(10, np.nan, np.float32), "NaN or infinity"),
        ("0", np.full((8, 3, 3, 3), np.inf, np.float32), "NaN or infinity"),
        ("2", np.full(8, -np.inf, np.float32), "NaN or infinity"),
        ("3", np.full(8, 2, np.uint8), "must be 0 or 1"),
        ("4", np.zeros(10, np.float64), "must be F32, is float64"),
        ("7", np.full((10, 1), 1 << 36, np.uint64), "unused bits"),
        ("7", np.full((10, 1), 1 << 63, np.uint64), "unused bits"),
        ("7", np.zeros((10, 2), np.uint64), r"must have shape \(out, 1\)"),
        ("7", np.zeros((12, 1), np.uint64), r"scale: .* shape \(12,\)"),
        ("7", np.zeros((11, 1), np.uint64), "11 filters, which 2 groups do not divide"),
        ("7", np.zeros((0, 1), np.uint64), "filters: must be 1 to 65536, is 0"),
        ("7", np.zeros((65_538, 1), np.uint64), "filters: must be 1 to 65536, is 65538"),
        ("7", np.zeros(10, np.uint64), "shape"),
        ("7", np.zeros((), np.uint64), "shape"),
        ("7", np.zeros((10, 1), np.int64), "must be U64"),
        ("spare", np.zeros(1, np.float32), "^spare: no node uses"),
        ("010", np.zeros(1, np.float32), "^010: no node uses"),
    ],
)
def test_constants(name: str, array: Any, message: str) -> None:
    graph, constants = sample()
    refuse(graph, {**constants, name: array}, message)


def test_packed_weights_of_real_convolutions() -> None:
    graph, constants = offsets_sample()
    spoilt = constants["12"].copy()
    spoilt[-1, -1] |= np.uint64(1 << 63)
    refuse(graph, {**constants, "12": spoilt}, "weight: has unused bits that are not 0")
    refuse(graph, {**constants, "12": spoilt[:, :4]}, r"must have shape \(out, 5\)")
    wide = constants["12"].astype(np.int64)
    refuse(graph, {**constants, "12": wide}, "must be F32 or I16 or U64, is int64")


def _grouped(*groups: int, op: str = "binary_conv") -> Sample:
    """One bits tensor of 4 channels read by 1×1 windows of these groups."""
    b = Builder(0)
    image = b.input("image", "image", 1, 1, 4)
    signs = b.node("signs", "identity", (image,), outputs=(Output("signs"),))
    dtype = np.uint64 if op == "binary_conv" else np.float32
    for index, count in enumerate(groups):
        shape = (4, 1) if op == "binary_conv" else (4, 1, 1, 4 // count)
        keys = {} if op == "sign_sum" else {"weight": b.constant(np.zeros(shape, dtype))}
        b.output(f"y{index}", b.node(f"c{index}", op, (signs,), groups=count, **keys))
    return b.sample()


@pytest.mark.parametrize("op", ["binary_conv", "sign_sum"])
def test_one_bits_tensor_has_one_grouping(op: str) -> None:
    validate(*_grouped(1, 2, 1, 2, op=op))
    refuse(*_grouped(2, 4, op=op), "is 4, but an earlier node reads the same signs in 2 groups")


def test_real_convolutions_read_signs_in_any_groups() -> None:
    validate(*_grouped(1, 2, 4, op="real_conv"))


@pytest.mark.parametrize("op", ["binary_conv", "sign_sum", "real_conv"])
def test_dots_of_signs_stay_exact_in_float32(op: str) -> None:
    """2^24 taps are one too many, also for packed weights of a real_conv."""
    b = Builder(0)
    image = b.input("image", "image", 256, 256, 256)
    signs = b.node("signs", "identity", (image,), outputs=(Output("signs"),))
    packed = pack_bits(np.zeros((1, 2**24), np.bool_))
    keys = {} if op == "sign_sum" else {"weight": b.constant(packed)}
    b.output("y", b.node("whole", op, (signs,), kernel=(256, 256), **keys))
    refuse(*b.sample(), "taps of one dot product: must be 1 to 16777215, is 16777216")


def test_a_graph_has_so_many_tensors() -> None:
    b = Builder(0)
    tensor = b.input("x", "real", 1, 1, 1)
    outputs = (Output(),) * LIMITS["outputs"]
    nodes = LIMITS["items"] // LIMITS["outputs"]
    for index in range(nodes - 1):
        tensor, *_ = b.node(f"n{index}", "identity", (tensor,), outputs=outputs)
    b.output("y", tensor)
    last = LIMITS["items"] - b.count
    assert last == LIMITS["outputs"] - 1
    graph, _ = b.sample()
    for count, fits in ((last, True), (last + 1, False)):
        node = replace(graph.nodes[-1], name="last", outputs=outputs[:count])
        longer = replace(graph, nodes=(*graph.nodes, node))
        if fits:
            assert len(validate(longer, {})) == LIMITS["items"]
        else:
            refuse(longer, {}, r"outputs: the graph has more than 65536 tensors")
