import numpy as np
import pytest
from tests.compiler.file_nodes import step as step_of
from tests.compiler.graphs import Builder, answers, ops

from signbit.compiler.passes.move.move_max_pool import move_max_pool


def _network(*steps: str, padding: int = 0, kernel: int = 2, positive: bool = True) -> Builder:
    """A binary convolution, the steps, a pool."""
    build = Builder((7, 6, 3))
    value = build.conv(build.sign(build.stem()), 9)
    for step in steps:
        if step == "affine":
            value = build.affine(value, positive=positive)
        else:
            value = build.activation(value, step, 0.25 if step == "prelu" else None)
    build.finish(build.max_pool(value, kernel, 2, padding))
    return build


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize(
    "steps", [(), ("affine",), ("affine", "hardtanh"), ("prelu",), ("affine", "relu", "affine")]
)
def test_pools_the_integers_with_the_same_bits(steps: tuple[str, ...], kernel: int) -> None:
    graph = _network(*steps, kernel=kernel).graph
    before = answers(graph)
    move_max_pool(graph)
    assert "max_pool" not in ops(graph)
    conv = next(node for node in graph if node.op == "binary_conv")
    assert (conv["pool_kernel"], conv["pool_stride"]) == ((kernel, kernel), (2, 2))
    np.testing.assert_array_equal(answers(graph), before)


def test_pytorchs_pool_is_the_counterpart_of_the_last_step() -> None:
    build = _network("affine", "hardtanh")
    graph = build.graph
    pool = graph.output
    move_max_pool(graph)
    assert graph[graph.output].origin.export == f"fx_{pool}"
    assert graph[graph[graph.output].input].origin.export == ""


def _stays(graph_builder: Builder) -> None:
    graph = graph_builder.graph
    before = ops(graph)
    move_max_pool(graph)
    assert ops(graph) == before
    assert not any("pool_kernel" in node.keys for node in graph)


def test_does_not_move_across_a_negative_scale() -> None:
    build = _network("affine", positive=False)
    affine = build.graph[build.graph[build.graph.output].input]
    assert step_of(affine, "affine")["scale"].min() < 0
    _stays(build)


def test_does_not_move_across_sigmoid() -> None:
    _stays(_network("sigmoid"))


def test_does_not_move_with_padding() -> None:
    _stays(_network("affine", padding=1, kernel=3))


def test_does_not_move_where_somebody_else_reads_the_unpooled_value() -> None:
    build = Builder((6, 6, 3))
    conv = build.conv(build.sign(build.stem()), 4)
    pool = build.max_pool(build.affine(conv, positive=True))
    build.finish(build.plus(pool, build.mean(conv), (0, 0)))
    _stays(build)


def test_does_not_pool_twice() -> None:
    build = Builder((8, 8, 3))
    conv = build.conv(build.sign(build.stem()), 4)
    graph = build.finish(build.max_pool(build.max_pool(conv)))
    before = answers(graph)
    move_max_pool(graph)
    assert ops(graph).count("max_pool") == 1
    np.testing.assert_array_equal(answers(graph), before)


@pytest.mark.parametrize("part", ["map", "sums", "shift"])
def test_not_onto_dots_that_are_not_the_value(part: str) -> None:
    """What is added or multiplied differs from pixel to pixel: the largest dot need not win."""
    build = Builder((7, 6, 3))
    conv = build.conv_with(part, build.sign(build.stem(4)), 8)
    graph = build.finish(build.max_pool(conv))
    move_max_pool(graph)
    assert "pool_kernel" not in graph[conv].keys
    assert ops(graph)[-1] == "max_pool"


@pytest.mark.parametrize(("below", "above"), [(0.5, 2.0), (0.5, -1.0), (-0.5, 1.0), (-1.0, -1.0)])
def test_a_maxout_moves_only_where_it_rises(below: float, above: float) -> None:
    build = Builder((7, 6, 3))
    conv = build.conv(build.sign(build.stem(4)), 8)
    slopes = {"slope": np.full(8, below), "positive_slope": np.full(8, above)}
    active = build.step("maxout", conv, **slopes)
    graph = build.finish(build.max_pool(active))
    before = answers(graph)
    move_max_pool(graph)
    assert ("max_pool" not in ops(graph)) == (min(below, above) >= 0)
    np.testing.assert_array_equal(answers(graph), before)
