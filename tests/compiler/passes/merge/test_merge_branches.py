import numpy as np
import pytest
from tests.compiler.file_nodes import adds_shortcut, has, step
from tests.compiler.graphs import SCALES, Builder, answers, ops

from signbit.compiler.ir import Graph, Step
from signbit.compiler.passes import remove_dead
from signbit.compiler.passes.merge.absorb_views import absorb_views
from signbit.compiler.passes.merge.merge_branches import merge_branches


def _join(build: Builder, *values: str) -> str:
    shape = build.graph[values[0]].shape
    channels = sum(build.graph[value].shape.channels for value in values)
    joined = shape._replace(channels=channels)
    return build.add("concat", *values, shape=joined)


def _branch(build: Builder, sign: str, shortcut: str, *, swapped: bool = False) -> str:
    """A 1×1 convolution, a batch-norm, the shortcut, a PReLU."""
    unit = build.affine(build.conv(sign, 4, 1, padding=0))
    total = build.plus(shortcut, unit) if swapped else build.plus(unit, shortcut)
    slope = build.random.choice(SCALES, 4)
    return build.step("prelu", total, slope=slope)


def _alone(graph: Graph, output: str) -> Graph:
    """What a value needs, as a graph of its own."""
    alone = Graph(dict(graph.nodes), {"logits": output})
    remove_dead(alone)
    return alone


@pytest.mark.parametrize("count", [2, 3])
def test_reactnets_pair_is_one_convolution_with_the_same_bits(count: int) -> None:
    build = Builder()
    stem = build.stem(4)
    sign = build.sign(stem)
    branches = [_branch(build, sign, stem, swapped=i == 1) for i in range(count)]
    convs = [node.name for node in build.graph if node.op == "binary_conv"]
    graph = build.finish(_join(build, *branches))
    apart = [answers(_alone(graph, branch)) for branch in branches]
    merge_branches(graph)
    kinds = ops(graph)
    assert kinds.count("binary_conv") == 1
    assert kinds.count("identity") == 1 + 3  # the stem's scale and shift; each step once
    adding = next(node for node in graph if has(node, "add"))
    assert adds_shortcut(adding, "tile")
    assert adding.operand(adding.steps[0]) == stem
    np.testing.assert_array_equal(answers(graph), np.concatenate(apart, axis=3))
    # The dots are those of all convolutions, the value is the concatenation's.
    body = next(node for node in graph if node.op == "binary_conv").body_origin
    assert (body.export, *body.beside) == tuple(f"fx_{name}" for name in convs)
    assert graph[graph.output].origin.target == "aten.concat"


def test_a_concatenation_of_concatenations() -> None:
    build = Builder()
    stem = build.stem(4)
    sign = build.sign(stem)
    branches = [build.affine(build.conv(sign, 4)) for _ in range(3)]
    inner = _join(build, *branches[:2])
    graph = build.finish(_join(build, inner, branches[2]))
    apart = [answers(_alone(graph, branch)) for branch in branches]
    merge_branches(graph)
    assert ops(graph).count("binary_conv") == 1
    np.testing.assert_array_equal(answers(graph), np.concatenate(apart, axis=3))
    body = next(node for node in graph if node.op == "binary_conv").body_origin
    assert len(body.beside) == 2


@pytest.mark.parametrize("binary", [False, True])
def test_real_convolutions_are_joined_too(binary: bool) -> None:
    """Of reals, with weights that are real or signs."""
    build = Builder()
    stem = build.stem(4)
    branches = [build.conv(stem, 3) for _ in range(2)]
    for branch in branches if binary else []:
        weight = build.random.choice(np.array([-1, 1], np.int8), (3, 3, 3, 4))
        build.graph.put(build.graph[branch].with_keys(weight=weight))
    graph = build.finish(_join(build, *branches))
    apart = [answers(_alone(graph, branch)) for branch in branches]
    merge_branches(graph)
    assert ops(graph) == ["image", "real_conv", "identity", "real_conv"]
    np.testing.assert_array_equal(answers(graph), np.concatenate(apart, axis=3))


def test_sums_of_the_same_signs_and_borders() -> None:
    build = Builder()
    sign = build.sign(build.stem(4))
    first = build.conv_with("sums", sign, 4)
    second = build.conv(sign, 4)
    scale = build.random.choice(SCALES, 4)
    by_border = build.by_border(second, scale)
    weighted = Step("add", {"input": 0, "repeat": "each", "weighted": scale})
    build.with_steps(second, by_border)
    build.with_steps(second, weighted, build.graph[first].inputs[1])
    taps = {key: by_border[key] for key in ("row_taps", "column_taps")}
    everywhere = np.array(np.broadcast_to(step(build.graph[first], "affine")["shift"], (3, 3, 4)))
    build.change(first, "affine", shift=everywhere, **taps)
    graph = build.finish(_join(build, first, second))
    apart = [answers(_alone(graph, branch)) for branch in (first, second)]
    merge_branches(graph)
    conv = graph[graph.output]
    assert step(conv, "affine")["shift"].shape == (3, 3, 8)
    np.testing.assert_array_equal(answers(graph), np.concatenate(apart, axis=3))


def test_a_value_joined_with_itself_is_a_shortcut_that_repeats() -> None:
    build = Builder()
    stem = build.stem(4)
    unit = build.affine(build.conv(build.sign(stem), 8))
    graph = build.finish(build.plus(_join(build, stem, stem), unit))
    merge_branches(graph)
    absorb_views(graph)
    adding = graph[graph.output]
    assert adding.inputs == (unit, stem)
    assert adds_shortcut(adding, "tile")
    twice = np.concatenate([answers(_alone(graph, stem))] * 2, axis=3)
    np.testing.assert_array_equal(answers(graph), answers(_alone(graph, unit)) + twice)


def test_branches_that_are_sums_of_branches() -> None:
    """As AdaBin's weights on reals are: the dots, and the sum of the inputs by each offset."""
    build = Builder()
    stem = build.stem(4)
    branches = [build.plus(build.conv(stem, 3), build.conv(stem, 3, 1, padding=0)) for _ in "ab"]
    graph = build.finish(_join(build, *branches))
    apart = [answers(_alone(graph, branch)) for branch in branches]
    merge_branches(graph)
    assert ops(graph) == ["image", "real_conv", "identity", "real_conv", "real_conv", "identity"]
    np.testing.assert_array_equal(answers(graph), np.concatenate(apart, axis=3))


APART = (
    "a pool",
    "read elsewhere",
    "other steps",
    "other shortcuts",
    "parts of values",
    "other inputs",
    "other windows",
    "groups",
    "a border shift",
    "a value twice",
    "other weights",
)


@pytest.mark.parametrize("kind", APART)
def test_other_values_stay_joined(kind: str) -> None:
    build = Builder()
    stem = build.stem(4)
    sign = build.sign(stem)
    left = build.conv(sign, 4, groups=2 if kind == "groups" else 1)
    right = build.conv(
        build.sign(build.affine(stem)) if kind == "other inputs" else sign,
        4,
        1 if kind == "other windows" else 3,
        padding=0 if kind == "other windows" else 1,
    )
    if kind == "a pool":
        left, right = build.max_pool(stem, 1, 1), build.max_pool(stem, 3, 1, 1)
    elif kind == "other steps":
        left = build.activation(left, "relu")
        right = build.activation(right, "hardtanh")
    elif kind == "other shortcuts":
        left, right = build.plus(left, stem), build.plus(right, build.activation(stem, "relu"))
    elif kind == "a border shift":
        right = build.conv_with("shift", sign, 4)
    elif kind == "a value twice":
        pooled = build.max_pool(stem, 1, 1)
        left, right = build.plus(pooled, pooled), build.plus(right, pooled)
    elif kind == "parts of values":
        pooled = build.max_pool(stem, 1, 1)
        left, right = build.plus(left, pooled), build.plus(right, pooled, offset=1)
    elif kind == "other weights":
        left, right = build.conv(stem, 4), build.conv(stem, 4)
        weight = build.random.choice(np.array([-1, 1], np.int8), (4, 3, 3, 4))
        build.graph.put(build.graph[right].with_keys(weight=weight))
    joined = _join(build, left, right)
    build.graph.output = build.plus(joined, joined)
    if kind == "read elsewhere":
        build.graph.output = build.plus(left, right)
    before = dict(build.graph.nodes)
    merge_branches(build.graph)
    assert build.graph.nodes == before
