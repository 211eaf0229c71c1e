"""Every operation of ONNX that is read, against onnx's own reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.exchange.onnx.reading.graphs import (
    LAST,
    QONNX,
    Graph,
    assert_same,
    network_of,
    ops,
    signs,
    values,
)

from signbit.errors import CompileError
from signbit.exchange.onnx.reading.constants import FOLDED
from signbit.exchange.onnx.reading.nodes import NODES

SHAPE = (3, 6, 5)
ONE = np.float32(1)
COLUMN = np.array([0.5, -1, 2]).reshape(1, 3, 1, 1)


def bipolar(graph: Graph) -> str:
    return graph.then("BipolarQuant", ONE, domain=QONNX)


def norm(graph: Graph, channels: int) -> str:
    random = np.random.default_rng(3)
    parameters = [random.uniform(0.5, 2, channels) for _ in range(4)]
    return graph.then("BatchNormalization", *parameters, epsilon=1e-3)


def matrix(graph: Graph) -> str:
    graph.then("Flatten")
    return graph.then("MatMul", values((90, 4), 2))


def gemm(graph: Graph, **attributes: Any) -> str:
    graph.then("Flatten")
    shape = (7, 90) if attributes.get("transB") else (90, 7)
    return graph.then("Gemm", values(shape, 2), values((7,), 3), **attributes)


def two_reals(graph: Graph) -> str:
    other = graph.add("Transpose", "x", perm=[0, 1, 3, 2])
    return graph.add("MatMul", "x", other)


def sides(graph: Graph, op: str, *inputs: Any, **attributes: Any) -> str:
    """An operation of the image and of the same turned upside down."""
    other = graph.add("Neg", "x")
    return graph.add(op, "x", other, *inputs, **attributes)


POOL = {"kernel_shape": [3, 2], "strides": [2, 1]}
I8 = np.int64

CASES: dict[str, Callable[[Graph], Any]] = {
    "Abs": lambda g: g.then("Abs"),
    "Add": lambda g: g.then("Add", COLUMN),
    "Add of two": lambda g: sides(g, "Add"),
    "AveragePool": lambda g: g.then("AveragePool", **POOL),
    "AveragePool counts": lambda g: g.then(
        "AveragePool", **POOL, pads=[1, 0, 0, 1], count_include_pad=1
    ),
    "AveragePool does not": lambda g: g.then("AveragePool", **POOL, pads=[1, 1, 1, 1]),
    "BatchNormalization": lambda g: norm(g, 3),
    "BatchNormalization of rows": lambda g: matrix(g) and norm(g, 4),
    "Cast": lambda g: g.then("Cast", to=1),
    "Clip": lambda g: g.then("Clip", ONE * -0.5, ONE),
    "Clip below": lambda g: g.then("Clip", ONE * -0.5),
    "Concat": lambda g: sides(g, "Concat", axis=1),
    "Concat of rows": lambda g: sides(g, "Concat", axis=-2),
    "Conv": lambda g: g.then("Conv", values((4, 3, 3, 2), 1), values((4,), 2), pads=[1, 0, 1, 0]),
    "Conv, other sides": lambda g: g.then("Conv", values((4, 3, 3, 2), 1), pads=[0, 1, 2, 0]),
    "Conv, groups": lambda g: g.then("Conv", values((6, 1, 2, 2), 1), group=3, strides=[2, 2]),
    "Conv, gaps": lambda g: g.then("Conv", values((2, 3, 2, 2), 1), dilations=[2, 3]),
    "Conv, same": lambda g: g.then("Conv", values((2, 3, 3, 4), 1), auto_pad="SAME_UPPER"),
    "Conv, same below": lambda g: g.then(
        "Conv", values((2, 3, 2, 2), 1), auto_pad="SAME_LOWER", strides=[2, 2]
    ),
    "Div": lambda g: g.then("Div", COLUMN),
    "Dropout": lambda g: g.then("Dropout"),
    "Flatten": lambda g: g.then("Flatten"),
    "Gelu": lambda g: g.then("Gelu"),
    "Gemm": lambda g: gemm(g, transB=1),
    "Gemm, scaled": lambda g: gemm(g, alpha=0.5, beta=2.0),
    "GlobalAveragePool": lambda g: g.then("GlobalAveragePool"),
    "GlobalMaxPool": lambda g: g.then("GlobalMaxPool"),
    "HardSigmoid": lambda g: g.then("HardSigmoid", alpha=1 / 6, beta=0.5),
    "HardSwish": lambda g: g.then("HardSwish"),
    "Identity": lambda g: g.then("Identity"),
    "LeakyRelu": lambda g: g.then("LeakyRelu", alpha=0.25),
    "MatMul": matrix,
    "MatMul of two": two_reals,
    "MatMul of tokens": lambda g: g.then("MatMul", values((5, 2), 2)),
    "Max": lambda g: g.then("Max", ONE * 0.5),
    "MaxPool": lambda g: g.then("MaxPool", **POOL, pads=[1, 0, 1, 0]),
    "MaxPool, gaps": lambda g: g.then("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]),
    "MaxPool, ceil": lambda g: g.then("MaxPool", **POOL, ceil_mode=1),
    "Min": lambda g: g.then("Min", ONE * 0.5),
    "Mul": lambda g: g.then("Mul", ONE * 0.5),
    "Mul of one map": lambda g: (
        g.then("Slice", *(np.array([each], I8) for each in (1, 2, 1))) and g.then("Mul", COLUMN)
    ),
    "Neg": lambda g: g.then("Neg"),
    "Pad": lambda g: g.then("Pad", np.array([0, 0, 1, 0, 0, 0, 2, 3], I8), ONE),
    "Pad of channels": lambda g: g.then("Pad", np.array([0, 1, 0, 0, 0, 2, 0, 0], I8)),
    "Pow": lambda g: g.then("Pow", ONE * 2),
    "PRelu": lambda g: g.then("PRelu", np.array([0.25, 0.5, 2]).reshape(3, 1, 1)),
    "PRelu of one": lambda g: g.then("PRelu", np.array([0.25]).reshape(1, 1, 1)),
    "ReduceMean": lambda g: g.then("ReduceMean", axes=[-1, 2], keepdims=0),
    "Relu": lambda g: g.then("Relu"),
    "Reshape": lambda g: g.then("Reshape", np.array([0, -1, 10], I8)),
    "Sigmoid": lambda g: g.then("Sigmoid"),
    "Slice": lambda g: g.then(
        "Slice", *(np.array(each, I8) for each in ([1, -4], [6, 99], [2, -1], [2, 1]))
    ),
    "Softmax": lambda g: g.then("Softmax", axis=1),
    "Squeeze": lambda g: g.then("GlobalAveragePool") and g.then("Squeeze", np.array([2, 3], I8)),
    "Sub": lambda g: g.add("Sub", COLUMN, "x"),
    "Tanh": lambda g: g.then("Tanh"),
    "Transpose": lambda g: g.then("Transpose", perm=[0, 2, 3, 1]),
    "Unsqueeze": lambda g: g.then("Flatten") and g.then("Unsqueeze", np.array([-1], I8)),
}

INEXACT = {"Sigmoid", "Tanh", "Gelu", "Softmax", "HardSigmoid", "HardSwish", "Gemm", "MatMul"}
BY_SIGNS = {"BipolarQuant", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Sign"} | {
    "IntQuant",
    "MultiThreshold",
    "Quant",
    "Where",
}
"""Those of test_signs.py."""


def test_every_operation_is_tried() -> None:
    assert {name.split()[0].rstrip(",") for name in CASES} | BY_SIGNS == NODES.keys()


@pytest.mark.parametrize("name", CASES)
def test_as_onnx_computes(name: str, tmp_path: Path) -> None:
    graph = Graph((1, *SHAPE), opset=20 if name == "Gelu" else 17)
    CASES[name](graph)
    graph.then("Flatten")
    exact = name.split()[0].rstrip(",") in {"Relu", "Flatten", "Pad", "Transpose", "Max", "Clip"}
    assert_same(graph, tmp_path, values((3, *SHAPE)), exact=exact)


MOVES: dict[str, Callable[[Graph], Any]] = {
    "pool": lambda g: g.then("MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
    "there and back": lambda g: (
        g.then("Transpose", perm=[0, 2, 3, 1]) and g.then("Transpose", perm=[0, 3, 1, 2])
    ),
    "part": lambda g: g.then("Slice", *(np.array([each], I8) for each in (1, 3, 1, 1))),
    "rows": lambda g: g.then("Slice", *(np.array([each], I8) for each in (1, 5, 2, 2))),
    "pad +1": lambda g: g.then("Pad", np.array([0, 0, 1, 0, 0, 0, 0, 1], I8), ONE),
    "pad -1": lambda g: g.then("Pad", np.array([0, 0, 0, 2, 0, 0, 1, 0], I8), -ONE),
    "join": lambda g: g.add("Concat", g.last, g.last, axis=1),
    "nothing": lambda g: g.last,
}
SIGNS: dict[str, Callable[[Graph], Any]] = {
    "sign": bipolar,
    "by channel": lambda g: (
        g.then("MultiThreshold", np.array([[0.25], [-0.5], [0.0]]), domain=QONNX, out_dtype="INT2",
               out_scale=2.0, out_bias=-1.0)
    ),
    "two bits": lambda g: g.then(
        "Quant", ONE * 0.5, ONE * 0, ONE * 2, domain=QONNX, signed=1, narrow=0
    ),
}  # fmt: skip


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("linear", [False, True])
def test_signs_that_move(sign: str, move: str, linear: bool, tmp_path: Path) -> None:
    """A layer binarizes its input itself, whatever moves between a sign and it."""
    graph = Graph((1, *SHAPE))
    SIGNS[sign](graph)
    MOVES[move](graph)
    _, channels, height, width = network_shape(graph, tmp_path)
    if linear:
        graph.then("Flatten")
        graph.then("MatMul", signs((channels * height * width, 5), 4))
    else:
        graph.then("Conv", signs((5, channels, 2, 2), 4) * ONE * 0.5, values((5,), 5))
        graph.then("Flatten")
    model = assert_same(graph, tmp_path, values((3, *SHAPE)))
    (layer,) = [each for each in ops(model) if each.startswith("Binary")]
    if not move.startswith("pad"):
        assert "Binarized" not in ops(model), (layer, ops(model))


def network_shape(graph: Graph, folder: Path) -> tuple[int, ...]:
    """The shape of the last value, by onnx's own inference."""
    from tests.exchange.onnx.reading.graphs import reference

    return reference(graph.model(), values((1, *SHAPE))).shape


def test_zeros_on_one_side_of_signs_count_nothing(tmp_path: Path) -> None:
    graph = Graph((1, *SHAPE))
    bipolar(graph)
    graph.then("Conv", signs((4, 3, 3, 3), 1), pads=[0, 1, 2, 0])
    graph.then("Flatten")
    assert "Binarized" in ops(assert_same(graph, tmp_path, values((2, *SHAPE))))


def test_scales_and_biases_of_signs(tmp_path: Path) -> None:
    graph = Graph((1, *SHAPE))
    graph.then("BipolarQuant", ONE * 0.5, domain=QONNX)
    scales = np.array([0.25, 2, 0.5, 1]).reshape(4, 1, 1, 1)
    weight = graph.add("BipolarQuant", values((4, 3, 3, 3), 6), scales, domain=QONNX)
    graph.add("Conv", graph.nodes[0].output[0], weight, values((4,), 2))
    graph.then("Flatten")
    model = assert_same(graph, tmp_path, values((2, *SHAPE)))
    latent = next(model.children()).weight.detach().numpy()
    np.testing.assert_array_equal(latent, values((4, 3, 3, 3), 6))


def test_weights_of_two_bits_stay_real(tmp_path: Path) -> None:
    graph = Graph((1, *SHAPE))
    bipolar(graph)
    inputs = (values((4, 3, 3, 3), 6), ONE * 0.5, ONE * 0, ONE * 2)
    weight = graph.add("Quant", *inputs, domain=QONNX, signed=1, narrow=1)
    graph.add("Conv", graph.nodes[0].output[0], weight)
    graph.then("Flatten")
    assert "Conv2d" in ops(assert_same(graph, tmp_path, values((2, *SHAPE))))


def test_channels_last(tmp_path: Path) -> None:
    """Maps as qonnx's channels-last form has them, thresholds of FINN's in that order, too."""
    graph = Graph((1, *SHAPE))
    graph.then("Transpose", perm=[0, 2, 3, 1])
    limits = np.array([[0.25], [-0.5], [0.0]])
    attributes = {"data_layout": "NHWC", "out_scale": 2.0, "out_bias": -1.0, "out_dtype": "INT2"}
    graph.then("MultiThreshold", limits, domain=QONNX, **attributes)
    graph.then("Conv", signs((4, 3, 3, 3), 1), pads=[1, 1, 1, 1], domain=LAST)
    graph.then("Transpose", perm=[0, 3, 1, 2])
    graph.then("Flatten")
    model = assert_same(graph, tmp_path, values((2, *SHAPE)))
    assert [name for name in ops(model) if name.startswith("Bin")] == ["BinaryConv2d"]


def test_images_with_channels_last_and_flat(tmp_path: Path) -> None:
    last = Graph((1, 6, 5, 3))
    last.then("Transpose", perm=[0, 3, 1, 2])
    last.then("Conv", values((4, 3, 3, 3), 1))
    last.then("Flatten")
    model = network_of(last.save(tmp_path))
    assert ops(model) == ["Conv2d", "_Function"]
    assert model.input_size == (6, 5)
    flat = Graph((1, 3 * 8 * 8))
    flat.then("MatMul", values((192, 4), 1))
    assert network_of(flat.save(tmp_path)).input_size == (8, 8)
    assert network_of(flat.save(tmp_path), input_size=(4, 48)).input_size == (4, 48)


FOLDS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "Abs": ([values((2, 3))], {}),
    "Add": ([values((2, 3)), values((3,), 1)], {}),
    "Cast": ([values((2, 3))], {"to": 7}),
    "Clip": ([values((2, 3)), -ONE, ONE], {}),
    "Concat": ([values((2, 3)), values((1, 3), 1)], {"axis": 0}),
    "Constant": ([], {"value_floats": [1.0, 2.5]}),
    "ConstantOfShape": ([np.array([2, 3], I8)], {}),
    "Div": ([np.array([7, -7, 9], I8), np.array([2, 2, 3], I8)], {}),
    "Equal": ([np.array([1, 2], I8), np.array([1, 3], I8)], {}),
    "Expand": ([values((1, 3)), np.array([2, 3], I8)], {}),
    "Gather": ([values((4, 3)), np.array([2, 0], I8)], {"axis": 0}),
    "Greater": ([values((2, 3)), ONE * 0], {}),
    "GreaterOrEqual": ([values((2, 3)), ONE * 0], {}),
    "Identity": ([values((2, 3))], {}),
    "Less": ([values((2, 3)), ONE * 0], {}),
    "LessOrEqual": ([values((2, 3)), ONE * 0], {}),
    "Max": ([values((2, 3)), ONE * 0], {}),
    "Min": ([values((2, 3)), ONE * 0], {}),
    "Mul": ([values((2, 3)), values((2, 1), 1)], {}),
    "Neg": ([values((2, 3))], {}),
    "Not": ([np.array([True, False])], {}),
    "Pow": ([np.abs(values((2, 3))), ONE * 0.5], {}),
    "Reciprocal": ([values((2, 3)) + 3], {}),
    "Reshape": ([values((2, 3)), np.array([0, -1, 1], I8)], {}),
    "Shape": ([values((2, 3))], {}),
    "Sign": ([values((2, 3))], {}),
    "Slice": ([values((4, 3)), *(np.array([each], I8) for each in (3, -9, 0, -1))], {}),
    "Sqrt": ([np.abs(values((2, 3)))], {}),
    "Squeeze": ([values((1, 3, 1)), np.array([0], I8)], {}),
    "Sub": ([values((2, 3)), ONE], {}),
    "Transpose": ([values((2, 3))], {"perm": [1, 0]}),
    "Unsqueeze": ([values((2, 3)), np.array([0, -1], I8)], {}),
    "Where": ([np.array([True, False, True]), values((2, 3)), ONE], {}),
}


def test_every_constant_operation_is_tried() -> None:
    assert {*FOLDS, "BipolarQuant", "Quant", "IntQuant"} == FOLDED.keys()


@pytest.mark.parametrize("op", FOLDS)
def test_constants_are_computed(op: str, tmp_path: Path) -> None:
    inputs, attributes = FOLDS[op]
    graph = Graph((1, 1, 3, 3))
    result = graph.add(op, *inputs, **attributes)
    flat = graph.add("Reshape", graph.add("Cast", result, to=1), np.array([1, -1], I8))
    sums = graph.add("Reshape", "x", np.array([1, 9, 1], I8))
    graph.add("Add", sums, flat)
    graph.then("Flatten")
    assert_same(graph, tmp_path, np.zeros((2, 1, 3, 3), np.float32))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda g: g.then("Mish"), "Mish0 (Mish): has no counterpart in signbit"),
        (lambda g: g.then("Relu", domain="evil"), "Relu0 (evil.Relu): is no operation of ONNX"),
        (lambda g: g.then("Reshape", np.array([3, -1], I8)), "images are mixed with the rest"),
        (lambda g: g.then("Transpose", perm=[1, 0, 2, 3]), "the images' stays the first"),
        (lambda g: g.then("Softmax", axis=0), "works across images"),
        (lambda g: g.then("HardSigmoid"), "has the slope 0.2"),
        (lambda g: g.then("Pow", ONE * 3), "has an exponent that is not 2"),
        (lambda g: g.then("Conv", values((2, 9, 3, 3))), "for a map of 3 channels"),
        (lambda g: g.then("Conv", values((2, 3, 9, 9))), "does not fit"),
        (lambda g: g.then("Cast", to=7), "makes whole numbers of reals"),
        (lambda g: g.then("MaxPool", kernel_shape=[2, 2], pads=[0, 0, 1, 1]), "sides alike"),
        (lambda g: g.then("Add", values((2, 3, 6, 5))), "has a constant of shape (2, 3, 6, 5)"),
        (lambda g: g.add("MatMul", values((2, 6)), "x"), "from the left"),
        (lambda g: g.then("Where", ONE, ONE), "chooses by what is no comparison"),
        (
            lambda g: norm(g, 3) and g.then(
                "Quant", ONE, ONE * 0, ONE * 8, domain=QONNX, signed=1, narrow=0
            ),
            "quantises to 8 bits what is no function of a pixel alone",
        ),
        (
            lambda g: g.then("Quant", ONE * -1, ONE * 0, ONE * 2, domain=QONNX),
            "its scale is not above 0",
        ),
    ],
)  # fmt: skip
def test_refuses(write: Callable[[Graph], Any], message: str, tmp_path: Path) -> None:
    graph = Graph((1, *SHAPE))
    write(graph)
    graph.then("Flatten")
    with pytest.raises(CompileError) as caught:
        network_of(graph.save(tmp_path))
    assert message in str(caught.value)


def test_all_refusals_at_once(tmp_path: Path) -> None:
    """Each by node, operation and reason; what reads a refused node is not refused again."""
    graph = Graph((1, *SHAPE))
    graph.then("Mish")
    graph.then("Relu")
    other = graph.add("Selu", "x")
    graph.add("Add", "y1", other)
    graph.then("Flatten")
    with pytest.raises(CompileError) as caught:
        network_of(graph.save(tmp_path))
    found = [(each.where, each.operation) for each in caught.value.refusals]
    assert found == [("Mish0", "Mish"), ("Selu2", "Selu")]
