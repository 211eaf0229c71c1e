"""Every way to write signs: as QONNX's quantisers, as FINN's thresholds, as plain comparisons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.exchange.onnx.reading.graphs import (
    BREVITAS,
    QONNX,
    Array,
    Graph,
    assert_same,
    network_of,
    ops,
    signs,
    values,
)

LIMITS = np.array([[0.25], [-0.5], [0.0]])
ONE = np.float32(1)
SHIFTED = LIMITS.reshape(1, 3, 1, 1)
TURNED = np.array([1, -1, -1]).reshape(1, 3, 1, 1)


def quant(graph: Graph, scale: Any, bits: int, zero: float = 0.0, **attributes: Any) -> str:
    inputs = (np.float32(scale), np.float32(zero), np.float32(bits))
    return graph.then("Quant", *inputs, domain=QONNX, **attributes)


def where(graph: Graph, op: str, limit: Any, yes: Any, no: Any) -> str:
    graph.then(op, limit)
    return graph.add("Where", graph.last, *(np.asarray(each, np.float32) for each in (yes, no)))


def cast(graph: Graph, op: str, limit: Any) -> str:
    graph.then(op, limit)
    graph.then("Cast", to=1)
    graph.then("Mul", np.float32(2))
    return graph.then("Sub", ONE)


def not_less(graph: Graph) -> str:
    graph.then("Less", ONE * 0)
    graph.then("Not")
    graph.then("Cast", to=1)
    graph.then("Add", np.float32(-0.5))
    return graph.then("Div", np.float32(0.5))


def mirrored(graph: Graph) -> str:
    graph.add("Greater", np.float32(0.5), graph.last)
    return graph.add("Where", graph.last, -ONE, ONE)


def thresholds(graph: Graph, limits: Array, **attributes: Any) -> str:
    return graph.then("MultiThreshold", limits, domain=QONNX, out_dtype="INT2", **attributes)


SIGNS: dict[str, Callable[[Graph], str]] = {
    "bipolar": lambda g: g.then("BipolarQuant", ONE, domain=QONNX),
    "bipolar of brevitas": lambda g: g.then("BipolarQuant", ONE * 0.5, domain=BREVITAS),
    "one signed bit": lambda g: quant(g, 0.5, 1, signed=1, narrow=1),
    "threshold": lambda g: thresholds(g, LIMITS, out_scale=2.0, out_bias=-1.0),
    "where >=": lambda g: where(g, "GreaterOrEqual", ONE * 0, 1, -1),
    "where >": lambda g: where(g, "Greater", ONE * 0, 1, -1),
    "where <": lambda g: where(g, "Less", SHIFTED, -1, 1),
    "where <=": lambda g: where(g, "LessOrEqual", SHIFTED, 0.25, -0.25),
    "cast >": lambda g: cast(g, "Greater", ONE * 0.25),
    "cast >=": lambda g: cast(g, "GreaterOrEqual", SHIFTED),
    "not <": not_less,
    "t > x": mirrored,
    "either way": lambda g: where(g, "Less", SHIFTED, *(each * TURNED for each in (-1, 1))),
    "turned": lambda g: (
        g.then("BipolarQuant", ONE * 0.5, domain=QONNX) and g.then("Mul", TURNED * 0.5)
    ),
    "alike by channel": lambda g: where(g, "Less", SHIFTED * 0 + 0.5, -ONE + 0 * SHIFTED, ONE),
}
"""Patterns whose values are −a and +a."""

LEVELS: dict[str, Callable[[Graph], str]] = {
    "one bit": lambda g: quant(g, 0.5, 1, signed=0, narrow=0),
    "two bits": lambda g: quant(g, 0.5, 2, signed=1, narrow=0),
    "two narrow bits": lambda g: quant(g, 0.25, 2, signed=1, narrow=1),
    "two bits from 0": lambda g: quant(g, 0.5, 2, signed=0, narrow=0),
    "three bits, zero point": lambda g: quant(g, 0.25, 3, zero=2.0, signed=0, narrow=0),
    "floor": lambda g: quant(g, 0.5, 2, signed=1, narrow=0, rounding_mode="FLOOR"),
    "ceil": lambda g: quant(g, 0.5, 2, signed=1, narrow=0, rounding_mode="CEIL"),
    "steps": lambda g: thresholds(g, np.sort(values((3, 3), 5)), out_scale=0.5, out_bias=-0.75),
    "count": lambda g: thresholds(g, np.array([[-1.0, 0.0, 0.5, 1.0]])),
    "true": lambda g: g.then("Greater", ONE * 0) and g.then("Cast", to=1),
    "ONNX's sign": lambda g: g.then("Sign"),
}
"""Patterns with other values, or more than two."""


@pytest.mark.parametrize("pattern", SIGNS)
def test_two_signs_are_one_bit(pattern: str, tmp_path: Path) -> None:
    graph = Graph((1, 3, 5, 4))
    SIGNS[pattern](graph)
    graph.then("Conv", signs((4, 3, 3, 2), 1), pads=[1, 0, 1, 0], strides=[2, 1])
    graph.then("Flatten")
    model = assert_same(graph, tmp_path, values((5, 3, 5, 4)))
    assert ("BinaryConv2d" in ops(model), "Binarized" in ops(model)) == (True, False)


@pytest.mark.parametrize("pattern", LEVELS)
def test_other_levels_are_sums_of_signs(pattern: str, tmp_path: Path) -> None:
    graph = Graph((1, 3, 5, 4))
    LEVELS[pattern](graph)
    graph.then("Conv", signs((4, 3, 3, 3), 1), pads=[1, 1, 1, 1])
    graph.then("Flatten")
    model = assert_same(graph, tmp_path, values((2, 3, 5, 4)))
    assert ops(model)[0] == "BinaryConv2d"
    assert type(next(model.children()).activation_binarizer).__name__ == ("MultiBitActivation")


@pytest.mark.parametrize("pattern", [*SIGNS, *LEVELS])
def test_as_values(pattern: str, tmp_path: Path) -> None:
    """What no layer reads is the values themselves."""
    graph = Graph((1, 3, 5, 4))
    ({**SIGNS, **LEVELS})[pattern](graph)
    graph.then("Mul", np.array([0.5, 1, 2]).reshape(1, 3, 1, 1))
    graph.then("Flatten")
    assert_same(graph, tmp_path, values((3, 3, 5, 4)))


@pytest.mark.parametrize("opposite", [False, True])
def test_two_values_compared(opposite: bool, tmp_path: Path) -> None:
    graph = Graph((1, 3, 4, 4))
    other = graph.add("Neg", "x")
    graph.add("Less" if opposite else "GreaterOrEqual", "x", other)
    graph.add("Where", graph.last, ONE, -ONE)
    graph.then("Flatten")
    assert_same(graph, tmp_path, values((3, 3, 4, 4)))


def test_the_sign_of_zero_is_asked_for(tmp_path: Path) -> None:
    """0 as ONNX has it takes two bits, and says so; 1 takes one."""
    graph = Graph((1, 1, 2, 2))
    graph.add("Sign", "x")
    graph.then("Conv", np.ones((2, 1, 1, 2)))
    graph.then("Flatten")
    heard: list[str] = []
    path = graph.save(tmp_path)
    exact = network_of(path, say=heard.append)
    assert "ONNX's Sign of 0 is 0" in heard[0]
    images = np.array([[[[0.0, -0.0], [1e-45, -1e-45]]]], np.float32)
    assert_same(graph, tmp_path, images)
    one = network_of(path, sign_of_zero=1, say=heard.append)
    assert len(heard) == 1
    assert "MultiBit" in repr(exact)
    assert "MultiBit" not in repr(one)


def test_a_choice_by_channel(tmp_path: Path) -> None:
    """x · where(x >= 0, p, n), as a PReLU is written by hand."""
    graph = Graph((1, 3, 2, 2))
    truth = graph.add("GreaterOrEqual", "x", ONE * 0)
    slope = graph.add("Where", truth, SHIFTED + 1, np.float32(0.5))
    graph.add("Mul", "x", slope)
    graph.then("Flatten")
    assert_same(graph, tmp_path, values((3, 3, 2, 2)))


@pytest.mark.parametrize("scale", [0.1, 0.3, 1 / 3, 0.7, 1.1e-3])
@pytest.mark.parametrize("bits", [2, 3])
def test_every_float_beside_a_threshold(scale: float, bits: int, tmp_path: Path) -> None:
    """The thresholds of a scale that is no power of two are where the division rounds over."""
    graph = Graph((1, 1, 1, 64))
    quant(graph, scale, bits, signed=1, narrow=0)
    graph.then("Flatten")
    middle = (np.arange(-4, 4) + 0.5).astype(np.float32) * np.float32(scale)
    steps = np.arange(-4, 4, dtype=np.int32)
    images = (middle.view(np.int32)[:, None] + steps).view(np.float32).reshape(1, 1, 1, 64)
    assert_same(graph, tmp_path, images, exact=False)
