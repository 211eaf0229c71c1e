import numpy as np
from tests.compiler.file_nodes import step
from tests.compiler.graphs import Builder

from signbit.compiler.ir import Step, constants_of
from signbit.compiler.passes.fold.round_constants import round_constants


def test_rounds_reals_once_and_leaves_signs() -> None:
    build = Builder()
    stem = build.stem()
    conv = build.conv(build.sign(stem), 4)
    build.change(stem, "affine", scale=np.full(5, 1 + 2**-24 + 2**-40))
    round_constants(build.graph)
    scale, weight = step(build.graph[stem], "affine")["scale"], build.graph[conv]["weight"]
    assert scale.dtype == np.float32
    np.testing.assert_array_equal(scale, np.float32(1 + 2**-23))
    assert weight.dtype == np.int8


def test_rounds_the_constants_of_every_part() -> None:
    build = Builder()
    conv = build.conv_with("sums", build.sign(build.stem(4)), 4)
    build.with_steps(conv, Step("maxout", {"slope": np.ones(4), "positive_slope": np.ones(4)}))
    build.with_steps(conv, Step("offset", {"value": np.ones(4)}))
    round_constants(build.graph)
    constants = [each for step in build.graph[conv].steps for each in constants_of(step)]
    assert len(constants) == 2 + 1 + 2 + 1
    for _, value in constants:
        assert value.dtype == np.float32


def test_refuses_what_float32_cannot_hold() -> None:
    build = Builder()
    stems = [build.stem(), build.stem()]
    for stem in stems:
        build.change(stem, "affine", shift=np.full(5, 1e39))
    round_constants(build.graph)
    told = [(each.where, each.reason) for each in build.graph.refused]
    assert told == [(f"module.{stem}", "shift has a value too large for float32") for stem in stems]
