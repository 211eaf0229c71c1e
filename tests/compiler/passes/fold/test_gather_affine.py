import numpy as np
import pytest
from tests.compiler.file_nodes import has, step
from tests.compiler.graphs import Builder, answers, compare_with_zero, ops

from signbit.compiler.ir import IMAGE
from signbit.compiler.passes.fold.gather_affine import gather_affine
from signbit.compiler.passes.fold.round_constants import round_constants


def test_a_chain_becomes_one_affine() -> None:
    build = Builder((4, 4, 2))
    scales = np.array([[2.0, 3.0], [-1.0, 0.5], [4.0, 4.0]])
    shifts = np.array([[1.0, -1.0], [0.0, 2.0], [0.25, 0.0]])
    value = IMAGE
    for scale, shift in zip(scales, shifts, strict=True):
        value = build.scaled(value, scale, shift)
    build.graph.output = value
    gather_affine(build.graph)
    assert ops(build.graph) == ["image", "identity"]
    node = build.graph[value]
    x = np.array([7.0, -3.0])
    expected = x
    for scale, shift in zip(scales, shifts, strict=True):
        expected = scale * expected + shift
    affine = step(node, "affine")
    np.testing.assert_array_equal(affine["scale"] * x + affine["shift"], expected)


def test_a_value_with_another_reader_stays() -> None:
    build = Builder()
    first = build.stem()
    second = build.affine(first)
    graph = build.finish(build.plus(second, first))
    before = answers(graph)
    gather_affine(graph)
    assert ops(graph).count("identity") == 3
    np.testing.assert_array_equal(answers(graph), before)


def test_the_output_stays() -> None:
    build = Builder()
    first = build.stem()
    build.affine(first)
    build.graph.output = first
    gather_affine(build.graph)
    assert first in build.graph


@pytest.mark.parametrize("part", ["sums", "shift"])
def test_into_a_convolution_with_a_scale_and_shift_of_its_own(part: str) -> None:
    build = Builder()
    conv = build.conv_with(part, build.sign(build.stem(4)), 8, groups=2)
    first = build.affine(conv)
    graph = build.finish(build.affine(first))
    compare_with_zero(graph)
    before = answers(graph)
    gather_affine(graph)
    assert graph.output == conv
    assert graph[conv].body_origin.export == f"fx_{conv}"
    assert graph[conv].origin.export != f"fx_{conv}"
    # In float64 nothing but the order of roundings differs.
    round_constants(graph)
    np.testing.assert_allclose(answers(graph), before, rtol=1e-5, atol=1e-4)


def test_not_into_a_convolution_past_its_map() -> None:
    """The map multiplies before the scale, so that one fuses later, as after any convolution."""
    build = Builder()
    conv = build.conv_with("map", build.sign(build.stem(4)), 8)
    graph = build.finish(build.affine(conv))
    gather_affine(graph)
    assert not has(graph[conv], "affine")
