"""Layers and functions of two values that are not opposite, and sums that look like signs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.exchange.onnx.reading.graphs import (
    QONNX,
    Graph,
    assert_same,
    network_of,
    ops,
    signs,
    values,
)

from signbit.nn.layers import BinaryConv2d, BinaryLinear

ONE = np.float32(1)


def two_valued(graph: Graph, shape: tuple[int, ...], reverse: bool = False) -> str:
    """Filters of scale · ±1 + offset."""
    by_filter = (-1, *(1,) * (len(shape) - 1))
    scale = np.linspace(0.25, 1, shape[0]).reshape(by_filter)
    filters = graph.add("BipolarQuant", values(shape, 1), scale, domain=QONNX)
    offset = graph.constant(np.linspace(-0.5, 0.75, shape[0]).reshape(by_filter))
    return graph.add("Add", *((offset, filters) if reverse else (filters, offset)))


def moved_signs(graph: Graph) -> str:
    graph.then("BipolarQuant", ONE * 0.5, domain=QONNX)
    return graph.then("Add", ONE * 0.25)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("pads", [[1, 1, 1, 1], [0, 0, 0, 0]])
def test_convolutions(reverse: bool, groups: int, pads: list[int], tmp_path: Path) -> None:
    graph = Graph((1, 3, 5, 4))
    graph.then("Conv", values((6, 3, 1, 1), 2))
    value = moved_signs(graph)
    filters = two_valued(graph, (9, 6 // groups, 3, 3), reverse)
    graph.add("Conv", value, filters, values((9,), 3), pads=pads, group=groups)
    graph.then("GlobalAveragePool")
    graph.then("Flatten")
    network = assert_same(graph, tmp_path, values((3, 3, 5, 4), 5), exact=False)
    (layer,) = [each for each in network.children() if isinstance(each, BinaryConv2d)]
    assert torch.equal(layer.weight.detach(), torch.from_numpy(values((9, 6 // groups, 3, 3), 1)))


def test_linear_layers(tmp_path: Path) -> None:
    graph = Graph((1, 3, 2, 2))
    graph.then("Flatten")
    value = moved_signs(graph)
    graph.add("Gemm", value, two_valued(graph, (5, 12)), transB=1, alpha=0.5)
    network = assert_same(graph, tmp_path, values((4, 3, 2, 2), 5), exact=False)
    assert [type(each) for each in network.children()][-1] is BinaryLinear


def test_a_scale_of_zero_leaves_the_offset(tmp_path: Path) -> None:
    graph = Graph((1, 3, 2, 2))
    graph.then("Flatten")
    value = moved_signs(graph)
    filters = graph.add("BipolarQuant", values((2, 12), 1), np.zeros((2, 1)), domain=QONNX)
    graph.add("Gemm", value, graph.add("Add", filters, ONE * 0.5), transB=1)
    assert_same(graph, tmp_path, values((4, 3, 2, 2), 5))


def test_sums_and_means_of_reals_are_no_signs(tmp_path: Path) -> None:
    """Weights that are all alike, of a box filter: of reals a convolution, of signs a sum."""
    for by_signs in (False, True):
        graph = Graph((1, 3, 4, 4))
        if by_signs:
            graph.then("BipolarQuant", ONE, domain=QONNX)
        graph.then("Conv", np.full((1, 3, 3, 3), 1 / 9, np.float32), pads=[1, 1, 1, 1])
        graph.then("Flatten")
        graph.then("MatMul", signs((16, 3)))
        (tmp_path / str(by_signs)).mkdir()
        layers = ops(network_of(graph.save(tmp_path / str(by_signs))))
        assert ("Conv2d" in layers) != by_signs


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("op", ["Less", "LessOrEqual", "Greater", "GreaterOrEqual"])
@pytest.mark.parametrize("one", [False, True])
def test_slopes_by_the_sign_of_the_value(op: str, first: bool, one: bool, tmp_path: Path) -> None:
    graph = Graph((1, 3, 4, 4))
    graph.then("Add", ONE * 0.25)
    value = graph.last
    shape = (1, 1, 1) if one else (3, 1, 1)
    slopes = (np.linspace(low, 2, 3)[: shape[0]].reshape(shape) for low in (-0.5, 0.1))
    graph.add(op, value, ONE * 0)
    chosen = graph.add("Where", graph.last, *(each.astype(np.float32) for each in slopes))
    graph.add("Mul", *((value, chosen) if first else (chosen, value)))
    graph.then("Flatten")
    network = assert_same(graph, tmp_path, values((4, 3, 4, 4), 1))
    assert "Maxout" in ops(network)
    assert "Binarized" not in ops(network)


def test_slopes_by_another_value_are_a_product(tmp_path: Path) -> None:
    graph = Graph((1, 3, 4, 4))
    graph.add("Less", "x", ONE * 0)
    chosen = graph.add("Where", graph.last, ONE * 0.5, ONE * 2)
    graph.add("Mul", graph.add("Neg", "x"), chosen)
    graph.then("Flatten")
    network = assert_same(graph, tmp_path, values((4, 3, 4, 4), 1), exact=False)
    assert "Maxout" not in ops(network)
