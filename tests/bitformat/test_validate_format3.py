"""Each rule of version 3's parts, broken alone in an otherwise valid file, is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.bitformat.format3_sample import (
    BOX,
    CONVOLVE,
    HEAD,
    MEAN,
    PREPARE,
    SUM,
    format3_sample,
)
from tests.bitformat.samples import Constants

from signbit.bitformat import pack_bits
from signbit.bitformat.graph import (
    Graph,
    Node,
    Pool,
    Shortcut,
    SignOutput,
    SignSums,
    TensorSpec,
)
from signbit.bitformat.validate import validate
from signbit.errors import ModelFileError


def refuse(graph: Graph, constants: Constants, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        validate(graph, constants)


def with_node(index: int, **changes: Any) -> Graph:
    graph, _ = format3_sample()
    nodes = list(graph.nodes)
    nodes[index] = replace(nodes[index], **changes)
    return replace(graph, nodes=tuple(nodes))


def without(*names: str) -> Constants:
    return {name: array for name, array in format3_sample()[1].items() if name not in names}


def test_the_sample_is_valid() -> None:
    validate(*format3_sample())


def test_parts_may_be_absent() -> None:
    validate(with_node(CONVOLVE, map=None), without())
    validate(with_node(CONVOLVE, sums=None), without("conv.sums"))
    validate(with_node(CONVOLVE, scale=None, shift=None), without("conv.scale", "conv.shift"))
    flat = {**without(), "conv.shift": np.zeros(10, np.float32)}
    validate(with_node(CONVOLVE, offset=None), {k: flat[k] for k in flat if k != "conv.offset"})
    validate(with_node(CONVOLVE, shortcut=None), without())


def test_a_pointwise_node_may_have_a_map() -> None:
    graph, constants = format3_sample()
    *before, convolve, head = graph.nodes
    shown = Node("times", "pointwise", "x", map="k", real="z")
    tensors = (*graph.tensors, TensorSpec("z", "real", 6, 5, 4))
    graph = replace(graph, tensors=tensors, nodes=(*before, shown, convolve, head))
    validate(graph, constants)
    wrong = replace(shown, map="s")
    with pytest.raises(ModelFileError, match=r"map: 's' must be \(6, 5, 1\), is \(6, 5, 2\)"):
        validate(replace(graph, nodes=(*before, wrong, convolve, head)), constants)


@pytest.mark.parametrize(
    ("index", "changes", "message"),
    [
        (CONVOLVE, {"map": "nowhere"}, "map: unknown tensor 'nowhere'"),
        (CONVOLVE, {"map": "y"}, "map: reads 'y', which no earlier node"),
        (CONVOLVE, {"map": "x.bits"}, "map: must be real, is bits"),
        (CONVOLVE, {"map": "s"}, r"map: 's' must be \(6, 5, 1\), is \(6, 5, 2\)"),
        (CONVOLVE, {"sums": SignSums("x", "conv.sums")}, r"sums.tensor: 'x' must be \(6, 5, 2\)"),
        (CONVOLVE, {"sums": SignSums("x.bits", "conv.sums")}, "sums.tensor: must be real"),
        (CONVOLVE, {"sums": SignSums("nowhere", "conv.sums")}, "sums.tensor: unknown tensor"),
        (CONVOLVE, {"sums": SignSums("y", "conv.sums")}, "sums.tensor: reads 'y'"),
        (CONVOLVE, {"sums": SignSums("s", "nothing")}, "sums.scale: no tensor 'nothing'"),
        (CONVOLVE, {"sums": SignSums("s", "x.scale")}, r"sums.scale: .* shape \(10,\)"),
        (CONVOLVE, {"sums": SignSums("s", "conv.flip")}, "sums.scale: .* must be F32"),
        (CONVOLVE, {"scale": None}, "scale and shift go together"),
        (CONVOLVE, {"pool": Pool((2, 2), (2, 2))}, "map: does not go with pool"),
        (CONVOLVE, {"activation": "prelu"}, "positive_slope: goes with the activation maxout"),
        (CONVOLVE, {"positive_slope": None}, "positive_slope: goes with the activation maxout"),
        (CONVOLVE, {"slope": None}, "slope: goes with the activation prelu or maxout"),
        (CONVOLVE, {"offset": "x.scale"}, r"offset: 'x.scale' must have shape \(10,\)"),
        (CONVOLVE, {"offset": "conv.flip"}, "offset: 'conv.flip' must be F32"),
        (CONVOLVE, {"positive_slope": "conv.flip"}, "positive_slope: 'conv.flip' must be F32"),
        (
            CONVOLVE,
            {"shortcut": Shortcut("x", offset=1, repeat=True)},
            "shortcut.offset: must be 0 with repeat",
        ),
        (SUM, {"input": "x"}, "sign_sum reads bits, 'x' is real"),
        (SUM, {"groups": 3}, "groups: 3 does not divide the 4 input"),
        (SUM, {"groups": 0}, "groups: must be 1"),
        (SUM, {"groups": 4}, r"yields \(6, 5, 4\), 's' is declared as \(6, 5, 2\)"),
        (SUM, {"groups": None}, "groups: is missing"),
        (SUM, {"weight": "conv.weight"}, "weight: sign_sum has no such key"),
        (SUM, {"pool": Pool((1, 1), (1, 1))}, "pool: sign_sum has no such key"),
        (SUM, {"kernel": (9, 3)}, "kernel: does not fit"),
        (SUM, {"padding": (0, 1)}, r"yields \(4, 5, 2\)"),
        (MEAN, {"input": "x.bits"}, "mean_abs reads real, 'x.bits' is bits"),
        (MEAN, {"input": "image"}, "mean_abs reads real, 'image' is image"),
        (MEAN, {"kernel": (1, 1)}, "kernel: mean_abs has no such key"),
        (BOX, {"map": "a"}, "map: real_conv has no such key"),
        (BOX, {"sums": SignSums("a", "conv.sums")}, "sums: real_conv has no such key"),
        (HEAD, {"weight": "conv.weight"}, r"weight: must have shape \(out, 5\)"),
    ],
)
def test_nodes(index: int, changes: dict[str, Any], message: str) -> None:
    refuse(with_node(index, **changes), format3_sample()[1], rf"nodes\[{index}\].*{message}")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("conv.shift", np.zeros((3, 2, 10)), r"shift: .* shape \(3, 3, 10\) or \(10,\), has"),
        ("conv.shift", np.zeros((1, 1, 10)), r"shift: .* shape \(3, 3, 10\)"),
        ("conv.shift", np.zeros((3, 3, 5)), r"shift: .* shape \(3, 3, 10\)"),
        ("conv.shift", np.zeros((3, 3)), r"shift: .* shape \(10,\)"),
        ("conv.shift", np.zeros((3, 3, 10, 1)), r"shift: .* shape \(10,\)"),
        ("conv.shift", np.full((3, 3, 10), np.inf), "shift: .* not finite"),
        ("conv.sums", np.full(10, np.nan), "sums.scale: .* not finite"),
        ("conv.offset", np.full(10, np.nan), "offset: .* not finite"),
        ("conv.positive", np.zeros(9), "positive_slope: .* shape"),
        ("x.shift", np.zeros((1, 1, 4)), r"nodes\[0\].*shift: .* shape \(4,\)"),
    ],
)
def test_real_constants(name: str, array: Any, message: str) -> None:
    graph, constants = format3_sample()
    refuse(graph, {**constants, name: array.astype(np.float32)}, message)


def test_packed_weights_of_real_convolutions() -> None:
    graph, constants = format3_sample()
    spoilt = constants["head.weight"].copy()
    spoilt[-1, -1] |= np.uint64(1 << 63)
    refuse(graph, {**constants, "head.weight": spoilt}, "weight: has unused bits that are not 0")
    refuse(graph, {**constants, "head.weight": spoilt[:, :4]}, r"must have shape \(out, 5\)")
    wide = constants["head.weight"].astype(np.int64)
    refuse(graph, {**constants, "head.weight": wide}, "must be F32 or I16 or U64, is int64")


def test_no_threshold_compares_what_reals_decide() -> None:
    _, constants = format3_sample()
    constants["conv.threshold"] = np.zeros(10, np.int32)
    message = "threshold: 'conv.threshold' must be F32, is int32"
    flat = {**constants, "conv.shift": np.zeros(10, np.float32)}
    for changes in ({"sums": None}, {"map": None}, {"map": None, "sums": None}):
        refuse(with_node(CONVOLVE, **changes), constants, message)
    for changes in ({"sums": None}, {"map": None}):
        refuse(with_node(CONVOLVE, **changes), flat, message)
    del flat["conv.sums"]
    validate(with_node(CONVOLVE, map=None, sums=None), flat)


def test_what_does_not_go_with_a_pool() -> None:
    _, constants = format3_sample()
    pool = Pool((1, 1), (1, 1))
    refuse(with_node(CONVOLVE, pool=pool), constants, "map: does not go with pool")
    refuse(with_node(CONVOLVE, pool=pool, map=None), constants, "sums: does not go with pool")
    message = "shift: by border does not go with pool"
    refuse(with_node(CONVOLVE, pool=pool, map=None, sums=None), constants, message)


def test_grouped_sums_share_the_alignment_of_convolutions() -> None:
    _, constants = format3_sample()
    graph = with_node(SUM, groups=4)
    tensors = tuple(
        replace(tensor, channels=4) if tensor.name == "s" else tensor for tensor in graph.tensors
    )
    message = "groups: is 2, but an earlier node reads 'x.bits' in 4 groups"
    refuse(replace(graph, tensors=tensors), constants, message)


def test_a_pool_of_bits_has_no_offset() -> None:
    graph, constants = format3_sample()
    output = SignOutput("x.bits", "x.threshold", "x.flip")
    pooled = SignOutput("pooled", "pool.threshold", "x.flip")
    first = replace(graph.nodes[PREPARE], signs=(output,))
    pool = replace(
        first,
        name="pool",
        op="max_pool",
        input="x.bits",
        kernel=(1, 1),
        stride=(1, 1),
        padding=(0, 0),
        scale=None,
        shift=None,
        real=None,
        signs=(pooled,),
    )
    tensors = (*graph.tensors, replace(graph.tensors[2], name="pooled"))
    constants["pool.threshold"] = np.zeros(4, np.float32)
    nodes = (*graph.nodes, pool)
    validate(replace(graph, tensors=tensors, nodes=nodes), constants)
    nodes = (*graph.nodes, replace(pool, offset="x.scale"))
    refuse(replace(graph, tensors=tensors, nodes=nodes), constants, "max_pool of bits")


def test_sums_stay_exact_in_float32() -> None:
    """2^24 taps are one too many, for a sign_sum and for packed weights of a real_conv."""
    graph, _ = format3_sample()
    tensors = (
        replace(graph.tensors[0], height=256, width=256, channels=256),
        replace(graph.tensors[2], height=256, width=256, channels=256),
        replace(graph.tensors[5], height=1, width=1, channels=1),
    )
    sign = replace(graph.nodes[PREPARE], scale=None, shift=None, real=None)
    whole = replace(graph.nodes[SUM], kernel=(256, 256), padding=(0, 0), groups=1)
    wide = replace(graph, tensors=tensors, output="s", classes=())
    constants: Constants = {
        "x.threshold": np.zeros(256, np.float32),
        "x.flip": np.zeros(256, np.uint8),
    }
    message = "taps of one dot product: must be 1 to 16777215, is 16777216"
    refuse(replace(wide, nodes=(sign, whole)), constants, message)
    packed = replace(whole, op="real_conv", weight="w")
    weight = pack_bits(np.zeros((1, 2**24), np.bool_))
    refuse(replace(wide, nodes=(sign, packed)), {**constants, "w": weight}, message)
