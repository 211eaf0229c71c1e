import numpy as np
import pytest
from tests.compiler.file_nodes import has, step, step_ops
from tests.compiler.graphs import (
    SCALES,
    SHIFTS,
    Builder,
    answers,
    compare_with_zero,
    lowered,
    ops,
)

from signbit.bitformat.table import STEPS
from signbit.compiler.ir import Graph
from signbit.compiler.passes import remove_dead
from signbit.compiler.passes.merge.fuse_epilogue import fuse_epilogue
from signbit.compiler.passes.signs.thresholds import thresholds


def _fused(graph: Graph) -> Graph:
    """Fuse, and check that no bit changed."""
    compare_with_zero(graph)
    before = answers(graph)
    fuse_epilogue(graph)
    np.testing.assert_array_equal(answers(graph), before)
    return graph


@pytest.mark.parametrize("swapped", [False, True])
def test_a_residual_unit_is_one_node(swapped: bool) -> None:
    build = Builder()
    stem = build.stem(8)
    unit = build.affine(build.conv(build.sign(stem), 8))
    total = build.plus(stem, unit) if swapped else build.plus(unit, stem)
    active = build.activation(total, "prelu", 0.3)
    graph = _fused(build.finish(active))
    assert ops(graph) == ["image", "real_conv", "sign", "binary_conv"]
    node = graph[active]
    assert step_ops(node) == ["affine", "add", "prelu"]
    assert node.operand(node.steps[1]) == stem
    # The node is named and accounted for by its body, its value by the last step.
    assert node.title == "v4"
    assert node.body_origin.export == "fx_v4"
    assert node.origin.export == f"fx_{active}"


def test_order_of_the_epilogue_is_kept() -> None:
    build = Builder()
    active = build.activation(build.stem(), "relu")
    graph = _fused(build.finish(build.affine(active)))
    # An affine after a non-linearity is a node of its own.
    assert ops(graph) == ["image", "real_conv", "identity"]


def test_two_additions_are_two_nodes() -> None:
    build = Builder()
    stem = build.stem(8)
    mean = build.mean(stem)
    first = build.plus(build.conv(build.sign(stem), 8), stem)
    graph = _fused(build.finish(build.plus(first, mean, (0, 0))))
    assert ops(graph).count("identity") == 1


def test_does_not_fuse_a_value_that_others_read() -> None:
    build = Builder()
    conv = build.conv("image", 4)
    graph = _fused(build.finish(build.plus(build.activation(conv, "relu"), conv)))
    # Nor an addition into the non-linearity: it would come before it.
    assert ops(graph) == ["image", "real_conv", "identity", "identity"]
    assert not graph[conv].steps


def test_a_shift_behind_a_non_linearity_is_an_offset() -> None:
    """RPReLU: the second bias."""
    build = Builder()
    active = build.activation(build.stem(), "prelu", 0.3)
    shift = build.random.choice(SHIFTS, 5)
    graph = _fused(build.finish(build.scaled(active, 1, shift)))
    assert ops(graph) == ["image", "real_conv"]
    node = graph[graph.output]
    np.testing.assert_array_equal(step(node, "offset")["value"], np.float32(shift))
    assert step_ops(lowered(graph)[0].nodes[0]) == ["affine", "prelu", "offset"]


def test_a_shift_that_can_be_one_is_no_offset() -> None:
    build = Builder()
    conv = build.conv("image", 4)
    graph = _fused(build.finish(build.scaled(conv, 1, 1)))
    assert step_ops(graph[graph.output]) == ["affine"]


def test_nothing_follows_an_offset() -> None:
    build = Builder()
    active = build.activation(build.stem(), "relu")
    offset = build.scaled(active, 1, 1)
    graph = _fused(build.finish(build.activation(offset, "hardtanh")))
    assert ops(graph) == ["image", "real_conv", "identity"]


def test_maxout_has_two_slopes() -> None:
    build = Builder()
    slopes = {name: build.random.choice(SCALES, 5) for name in ("slope", "positive_slope")}
    graph = _fused(build.finish(build.step("maxout", build.stem(), **slopes)))
    assert ops(graph) == ["image", "real_conv"]
    positive = step(graph[graph.output], "maxout")["positive_slope"]
    np.testing.assert_array_equal(positive, np.float32(slopes["positive_slope"]))


def test_a_repeated_shortcut_is_never_the_input() -> None:
    build = Builder()
    stem = build.stem(4)
    unit = build.affine(build.conv(build.sign(stem), 8))
    adding = build.plus(unit, stem, repeat="tile")
    graph = _fused(build.finish(adding))
    assert ops(graph) == ["image", "real_conv", "sign", "binary_conv"]
    added = step(graph[adding], "add")
    assert (graph[adding].operand(added), added["repeat"]) == (stem, "tile")


def test_a_product_with_a_map_stays_a_node() -> None:
    build = Builder()
    conv = build.conv("image", 4)
    shape = build.graph[conv].shape._replace(channels=1)
    by_pixel = build.add("mean_abs", build.stem(), shape=shape)
    graph = _fused(
        build.finish(
            build.activation(build.step("multiply", conv, by_pixel, repeat="tile"), "relu")
        )
    )
    assert ops(graph)[-1] == "identity"
    assert not graph[conv].steps
    last = graph[graph.output]
    assert step_ops(last) == ["multiply", "relu"]
    assert last.operand(last.steps[0]) == by_pixel


@pytest.mark.parametrize("part", ["map", "sums", "shift"])
def test_a_convolution_with_more_than_dots_takes_the_rest(part: str) -> None:
    build = Builder()
    stem = build.stem(8)
    value = build.conv_with(part, build.sign(stem), 8)
    if part == "map":
        value = build.affine(value)
    graph = build.finish(build.activation(build.plus(value, stem), "prelu", -0.5))
    _fused(graph)
    assert graph[graph.output].op == "binary_conv"
    first = {"map": ["multiply", "affine"], "sums": ["affine", "add"], "shift": ["affine"]}
    assert step_ops(graph[graph.output]) == [*first[part], "add", "prelu"]


def test_does_not_fuse_into_the_output() -> None:
    build = Builder()
    conv = build.conv("image", 4)
    build.activation(conv, "relu")
    graph = build.finish(conv)
    fuse_epilogue(graph)
    assert not graph[conv].steps


def test_does_not_fuse_past_signs_of_reals() -> None:
    build = Builder()
    conv = build.conv("image", 4)
    binary = build.conv(build.sign(conv), 4)
    graph = _fused(build.finish(build.plus(binary, build.affine(conv))))
    assert not has(graph[conv], "affine")


def test_signs_of_integers_do_not_see_the_epilogue() -> None:
    build = Builder()
    conv = build.conv(build.sign(build.stem()), 4)
    positive = build.affine(conv, positive=True)
    binary = build.conv(build.sign(positive), 4)
    active = build.activation(build.affine(conv), "hardtanh")
    graph = build.finish(build.plus(binary, active))
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    fuse_epilogue(graph)
    assert ops(graph).count("identity") == 0
    assert graph[active].op == "binary_conv"
    np.testing.assert_array_equal(answers(graph), before)


def test_a_shortcut_that_depends_on_the_nodes_own_signs_stays_apart() -> None:
    build = Builder()
    conv = build.conv(build.sign(build.stem()), 4)
    binary = build.conv(build.sign(build.affine(conv)), 4)
    pooled = build.max_pool(binary, 1, 1)
    graph = build.finish(build.plus(build.affine(conv), pooled))
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    fuse_epilogue(graph)
    np.testing.assert_array_equal(answers(graph), before)


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_keep_their_bits(seed: int) -> None:
    build = Builder(seed=seed)
    random = build.random
    value = build.stem(6)
    values = [value]
    for _ in range(12):
        kind = random.integers(0, 6)
        source = values[-1] if random.random() < 0.7 else values[random.integers(len(values))]
        if kind == 0:
            value = build.conv(build.sign(source), 6)
        elif kind == 1:
            value = build.affine(source)
        elif kind == 2:
            name = ("relu", "hardtanh", "sigmoid")[random.integers(3)]
            value = build.activation(source, name)
        elif kind == 3:
            value = build.activation(source, "prelu", float(random.choice([-0.5, 0.25])))
        elif kind == 4:
            value = build.plus(source, values[random.integers(len(values))])
        else:
            value = build.plus(source, build.mean(source), (0, 0))
        values.append(value)
    graph = build.finish(build.plus(values[-1], values[-2]))
    remove_dead(graph)
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    np.testing.assert_array_equal(answers(graph), before)
    count = len(graph.nodes)
    fuse_epilogue(graph)
    assert len(graph.nodes) <= count
    np.testing.assert_array_equal(answers(graph), before)


def test_a_step_that_the_engine_does_not_fuse_takes_what_follows() -> None:
    """A squeeze-and-excite gate, then a unit's usual steps, then some that would come too late."""
    build = Builder()
    stem = build.stem(8)
    gate = build.activation(build.mean(stem), "sigmoid")
    unit = build.affine(build.conv(build.sign(stem), 8))
    gated = build.step("multiply", unit, gate, every=(0, 0))
    active = build.activation(build.plus(gated, stem), "hardtanh")
    graph = _fused(build.finish(build.affine(active)))
    assert ops(graph) == ["image", "real_conv", "global_mean", "sign", "binary_conv"]
    assert step_ops(graph[graph.output]) == ["affine", "multiply", "add", "hardtanh", "affine"]


def _random_step(build: Builder, source: str, operand: str) -> str:
    """Of any kind; what it reads has the source's shape, or is one pixel."""
    random = build.random
    op = random.choice(sorted(STEPS))
    channels = build.graph[source].shape.channels
    rule = STEPS[op]
    keys = {
        key.name: random.choice(SCALES, channels)
        for key in rule.keys
        if key.type == "constant" and key.required
    }
    if not any(key.type == "operand" for key in rule.keys):
        return build.step(op, source, **keys)
    if random.random() < 0.3:
        return build.step(op, source, build.mean(operand), every=(0, 0), **keys)
    if random.random() < 0.3:
        shape = build.graph[operand].shape._replace(channels=1)
        by_pixel = build.add("mean_abs", operand, shape=shape)
        return build.step(op, source, by_pixel, repeat="tile", **keys)
    return build.step(op, source, operand, **keys)


@pytest.mark.parametrize("seed", range(12))
def test_chains_of_any_steps_keep_their_bits(seed: int) -> None:
    build = Builder(seed=seed)
    random = build.random
    values = [build.stem(6)]
    for _ in range(14):
        source = values[-1] if random.random() < 0.8 else values[random.integers(len(values))]
        if random.random() < 0.2:
            values.append(build.conv(build.sign(source), 6))
        else:
            values.append(_random_step(build, source, values[random.integers(len(values))]))
    graph = build.finish(build.activation(values[-1], "tanh"))
    remove_dead(graph)
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    count = len(graph.nodes)
    fuse_epilogue(graph)
    assert len(graph.nodes) <= count
    np.testing.assert_array_equal(answers(graph), before)
