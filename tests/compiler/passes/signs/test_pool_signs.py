import numpy as np
from tests.compiler.graphs import Builder, answers, ops

from signbit.compiler.passes.signs.pool_signs import pool_signs


def test_pools_bits_with_the_same_answers() -> None:
    build = Builder((7, 7, 3))
    stem = build.stem()
    pool = build.max_pool(stem, 3, 2, 1)
    sign = build.sign(pool)
    graph = build.finish(build.conv(sign, 6))
    before = answers(graph)
    pool_signs(graph)
    assert ops(graph) == ["image", "real_conv", "identity", "sign", "max_pool", "binary_conv"]
    assert graph[sign].op == "max_pool"
    assert graph[sign].is_sign
    assert graph[sign]["padding"] == (1, 1, 1, 1)
    first = graph[graph[sign].input]
    assert (first.origin.export, first.origin.signed) == ("", f"fx_{stem}")
    np.testing.assert_array_equal(answers(graph), before)


def test_stays_where_the_pooled_reals_are_read() -> None:
    build = Builder((8, 8, 3))
    pool = build.max_pool(build.stem(6))
    graph = build.finish(build.plus(build.conv(build.sign(pool), 6), pool))
    before = ops(graph)
    pool_signs(graph)
    assert ops(graph) == before


def test_leaves_a_pool_of_signs_alone() -> None:
    build = Builder((8, 8, 3))
    graph = build.finish(build.conv(build.max_pool(build.sign(build.stem())), 4))
    before = ops(graph)
    pool_signs(graph)
    assert ops(graph) == before
