import numpy as np
import pytest
from tests.compiler.graphs import Builder, answers, compare_with_zero, ops

from signbit.compiler.passes.fold.round_constants import round_constants
from signbit.compiler.passes.merge.share_equal import share_equal


def test_chains_of_equal_nodes_collapse() -> None:
    """Two branches that subsample, average, sign and sum the same value do it once."""
    build = Builder()
    stem = build.stem(4)
    branches = []
    for _ in range(2):
        sign = build.sign(build.max_pool(stem))
        branches.append(build.conv_with("sums", sign, 6))
    graph = build.finish(build.plus(*branches))
    compare_with_zero(graph)
    before = answers(graph)
    share_equal(graph)
    kinds = ops(graph)
    assert [kinds.count(op) for op in ("max_pool", "sign", "sign_sum")] == [1, 1, 1]
    # Their weights differ.
    assert kinds.count("binary_conv") == 2
    np.testing.assert_array_equal(answers(graph), before)


@pytest.mark.parametrize("changed", ["scale", "shift", "input"])
def test_what_differs_in_one_field_stays(changed: str) -> None:
    build = Builder()
    stem = build.stem(4)
    one, two = (build.scaled(stem, 1, 1) for _ in range(2))
    if changed == "input":
        build.graph.update(two, inputs=(build.graph[stem].input,))
    else:
        build.change(two, "affine", **{changed: np.array([1.0, 1.0, 1.0, 2.0])})
    build.plus(one, stem)
    build.graph.output = two
    count = len(build.graph.nodes)
    share_equal(build.graph)
    assert len(build.graph.nodes) == count


def test_the_output_may_be_the_second() -> None:
    build = Builder()
    stem = build.stem(4)
    first = build.activation(stem, "relu")
    build.plus(first, stem)
    build.graph.output = build.activation(stem, "relu")
    share_equal(build.graph)
    assert build.graph.output == first
    round_constants(build.graph)
