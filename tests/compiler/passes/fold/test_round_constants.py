import numpy as np
import pytest
from tests.compiler.graphs import Builder

from signbit.compiler.passes import round_constants
from signbit.errors import CompileError


def test_rounds_reals_once_and_leaves_signs() -> None:
    build = Builder()
    stem = build.stem()
    conv = build.conv(build.sign(stem), 4)
    build.graph.update(stem, scale=np.full(5, 1 + 2**-24 + 2**-40))
    round_constants(build.graph)
    scale, weight = build.graph[stem].scale, build.graph[conv].weight
    assert scale is not None
    assert weight is not None
    assert scale.dtype == np.float32
    np.testing.assert_array_equal(scale, np.float32(1 + 2**-23))
    assert weight.dtype == np.int8


def test_rounds_the_constants_of_every_part() -> None:
    build = Builder()
    conv = build.conv_with("sums", build.sign(build.stem(4)), 4)
    build.graph.update(conv, offset=np.ones(4), slope=np.ones(4), positive_slope=np.ones(4))
    build.graph.update(conv, activation="maxout")
    round_constants(build.graph)
    node = build.graph[conv]
    for value in (node.sums_scale, node.offset, node.slope, node.positive_slope, node.shift):
        assert value is not None
        assert value.dtype == np.float32


def test_refuses_what_float32_cannot_hold() -> None:
    build = Builder()
    stem = build.stem()
    build.graph.update(stem, shift=np.full(5, 1e39))
    with pytest.raises(CompileError, match="shift has a value too large for float32"):
        round_constants(build.graph)
