import numpy as np
import pytest
from tests.compiler.graphs import Builder, answers, compare_with_zero, ops

from signbit.compiler.ir import Graph
from signbit.compiler.passes import fuse_epilogue, remove_dead, thresholds


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
    assert node.parts() == (True, True, True)
    assert node.shortcut is not None
    assert node.shortcut.tensor == stem
    # The node is named and accounted for by its body, its value by the last step.
    assert node.title == "v4"
    assert node.body_origin.export == "fx_v4"
    assert node.origin.export == f"fx_{active}"


def test_order_of_the_epilogue_is_kept() -> None:
    build = Builder()
    active = build.activation(build.stem(), "relu")
    graph = _fused(build.finish(build.affine(active)))
    # An affine after a non-linearity is a node of its own.
    assert ops(graph) == ["image", "real_conv", "pointwise"]


def test_two_additions_are_two_nodes() -> None:
    build = Builder()
    stem = build.stem(8)
    mean = build.mean(stem)
    first = build.plus(build.conv(build.sign(stem), 8), stem)
    graph = _fused(build.finish(build.plus(first, mean, (0, 0))))
    assert ops(graph).count("pointwise") == 1


def test_does_not_fuse_a_value_that_others_read() -> None:
    build = Builder()
    conv = build.conv("image", 4)
    graph = _fused(build.finish(build.plus(build.activation(conv, "relu"), conv)))
    # Nor an addition into the non-linearity: it would come before it.
    assert ops(graph) == ["image", "real_conv", "pointwise", "pointwise"]
    assert graph[conv].parts() == (False, False, False)


def test_does_not_fuse_into_the_output() -> None:
    build = Builder()
    conv = build.conv("image", 4)
    build.activation(conv, "relu")
    graph = build.finish(conv)
    fuse_epilogue(graph)
    assert graph[conv].activation is None


def test_does_not_fuse_past_signs_of_reals() -> None:
    build = Builder()
    conv = build.conv("image", 4)
    binary = build.conv(build.sign(conv), 4)
    graph = _fused(build.finish(build.plus(binary, build.affine(conv))))
    assert graph[conv].scale is None


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
    assert ops(graph).count("pointwise") == 0
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
