import numpy as np
import pytest
from tests.compiler.file_nodes import step
from tests.compiler.graphs import Array, Builder, answers, ops

from signbit.compiler.ir import Graph
from signbit.compiler.passes.move.move_biases import move_biases

BIAS = np.array([0.5, -1.0, 2.0, 0.25, -0.125, 4.0, 0.0, 1.0])


def _bias(build: Builder, source: str, scale: float = 1.0) -> str:
    return build.scaled(source, scale, BIAS)


def _moved(build: Builder, output: str) -> tuple[Graph, Array, Array]:
    """The graph, and the answers before and after, which differ in rounding."""
    graph = build.finish(output)
    before = answers(graph)
    move_biases(graph)
    return graph, before, answers(graph)


@pytest.mark.parametrize("swapped", [False, True])
def test_into_the_scale_and_shift_before_the_addition(swapped: bool) -> None:
    build = Builder()
    stem = build.stem(8)
    unit = build.affine(build.conv(build.sign(stem), 8))
    shift = step(build.graph[unit], "affine")["shift"]
    # The sign, too, reads the stem: only the unit can take the bias.
    addition = build.plus(stem, unit) if swapped else build.plus(unit, stem)
    bias = _bias(build, addition)
    graph, before, after = _moved(build, build.activation(bias, "prelu", 0.25))
    assert bias not in graph
    moved = step(graph[unit], "affine")["shift"]
    np.testing.assert_array_equal(moved, np.float32(shift) + np.float32(BIAS))
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)
    # What the addition yields now is what PyTorch's second one does.
    assert graph[addition].origin.export == f"fx_{bias}"
    assert graph[unit].origin.export == ""


def test_a_convolution_without_a_scale_gets_one() -> None:
    build = Builder()
    stem = build.stem(8)
    conv = build.conv(build.sign(stem), 8)
    graph, before, after = _moved(build, _bias(build, build.plus(conv, stem)))
    affine = graph[graph[graph.output].input]
    assert affine.input == conv
    np.testing.assert_array_equal(step(affine, "affine")["shift"], np.float32(BIAS))
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


def test_a_shift_by_border_takes_it_everywhere() -> None:
    build = Builder()
    stem = build.stem(8)
    conv = build.conv_with("shift", build.sign(stem), 8)
    shift = step(build.graph[conv], "affine")["shift"]
    graph, before, after = _moved(build, _bias(build, build.plus(conv, stem)))
    assert ops(graph).count("identity") == 2  # the stem's and the addition
    moved = step(graph[conv], "affine")["shift"]
    np.testing.assert_array_equal(moved, np.float32(shift) + np.float32(BIAS))
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "kind", ["scaled", "addition read", "no operand can", "strided", "twice the same"]
)
def test_elsewhere_it_stays(kind: str) -> None:
    build = Builder()
    stem = build.stem(8)
    unit = build.affine(build.conv(build.sign(stem), 8))
    if kind == "strided":
        pooled = build.max_pool(stem)
        addition = build.plus(pooled, unit, (2, 2))
    elif kind == "twice the same":
        addition = build.plus(unit, unit)
    else:
        operand = build.activation(unit, "relu") if kind == "no operand can" else unit
        addition = build.plus(operand, stem)
    bias = _bias(build, addition, 2.0 if kind == "scaled" else 1.0)
    output = build.plus(bias, addition) if kind == "addition read" else bias
    graph, before, after = _moved(build, output)
    assert bias in graph
    np.testing.assert_array_equal(after, before)
