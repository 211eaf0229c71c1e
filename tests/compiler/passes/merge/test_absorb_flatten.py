import numpy as np
from tests.compiler.file_nodes import has, step
from tests.compiler.graphs import Builder, compare_with_zero, lowered, ops

from signbit.compiler.ir import Shape, Step
from signbit.compiler.passes.fold.round_constants import round_constants
from signbit.compiler.passes.merge.absorb_flatten import absorb_flatten
from signbit.runtime.reference import ReferenceEngine


def _flatten(build: Builder, source: str) -> str:
    height, width, channels = build.graph[source].shape
    shape = Shape(1, 1, height * width * channels)
    return build.add("flatten_chw", source, shape=shape, is_sign=build.graph[source].is_sign)


def test_weights_are_permuted_from_pytorchs_order() -> None:
    build = Builder((2, 3, 4))
    stem = build.conv("image", 5)
    flat = _flatten(build, stem)
    linear = build.conv(flat, 6, 1, padding=0)
    weight = build.graph[linear].weight
    assert weight is not None
    matrix = weight.reshape(6, 30)
    build.graph.output = linear
    absorb_flatten(build.graph)
    assert ops(build.graph) == ["image", "real_conv", "real_conv"]
    assert build.graph[linear]["kernel"] == (2, 3)

    round_constants(build.graph)
    result, data = lowered(build.graph)
    mapped = np.random.default_rng(1).normal(size=(2, 2, 3, 5)).astype(np.float32)
    tensor = result.nodes[-1].inputs[0]
    found = ReferenceEngine(data).run_nodes({tensor: mapped}, [result.outputs["logits"]])[
        result.outputs["logits"]
    ]
    # Channel, y, x: the order in which PyTorch flattens.
    expected = np.moveaxis(mapped.astype(np.float64), 3, 1).reshape(2, 30) @ matrix.T
    np.testing.assert_allclose(found[:, 0, 0], expected, rtol=1e-4, atol=1e-5)


def test_moves_behind_a_sign_and_a_non_linearity() -> None:
    build = Builder((4, 4, 3))
    active = build.activation(_flatten(build, build.stem(3)), "hardtanh")
    sign = build.sign(active)
    linear = build.conv(sign, 8, 1, padding=0)
    build.graph.output = linear
    assert build.graph[linear].op == "binary_conv"
    absorb_flatten(build.graph)
    assert "flatten_chw" not in ops(build.graph)
    assert build.graph[linear]["kernel"] == (4, 4)
    assert build.graph[build.graph[linear].input].shape == Shape(4, 4, 3)
    round_constants(build.graph)
    compare_with_zero(build.graph)
    lowered(build.graph)


def test_one_number_for_all_features_is_one_a_channel() -> None:
    build = Builder((4, 4, 3))
    flat = _flatten(build, build.stem(3))
    scaled = build.scaled(flat, 0.5, 0)
    linear = build.conv(build.sign(scaled), 2, 1, padding=0)
    build.graph.output = linear
    absorb_flatten(build.graph)
    scales = [step(node, "affine")["scale"] for node in build.graph if has(node, "affine")]
    assert [len(scale) for scale in scales] == [3, 3]


def test_one_number_for_each_feature_stays_behind_the_flatten() -> None:
    build = Builder((4, 4, 3))
    flat = _flatten(build, build.stem(3))
    scaled = build.scaled(flat, np.arange(48.0), 0)
    build.graph.output = build.conv(build.sign(scaled), 2, 1, padding=0)
    absorb_flatten(build.graph)
    assert [node.op for node in build.graph.readers(flat)] == ["identity"]


def test_what_joins_flattened_maps_stays_behind_them() -> None:
    build = Builder((4, 4, 3))
    flat = _flatten(build, build.stem(3))
    build.graph.output = build.plus(flat, flat)
    absorb_flatten(build.graph)
    assert ops(build.graph)[-2:] == ["flatten_chw", "identity"]


def test_sums_of_signs_and_a_maxout_move_with_it() -> None:
    build = Builder((4, 4, 3))
    slopes = {"slope": np.full(48, -0.5), "positive_slope": np.full(48, 2.0)}
    flat = _flatten(build, build.stem(3))
    sign = build.sign(build.step("maxout", flat, **slopes))
    linear = build.conv(sign, 8, 1, padding=0)
    sums = build.add("sign_sum", sign, shape=Shape(1, 1, 1))
    build.graph.move_before(linear, sums)
    scale = np.linspace(-1, 1, 8)
    build.with_steps(linear, Step("affine", {"scale": scale, "shift": scale}))
    build.with_steps(linear, Step("add", {"input": 0, "repeat": "each", "weighted": scale}), sums)
    build.graph.output = linear
    absorb_flatten(build.graph)
    assert build.graph[sums]["kernel"] == build.graph[linear]["kernel"] == (4, 4)
    maxout = next(node for node in build.graph if has(node, "maxout"))
    assert maxout.steps[0]["positive_slope"].tolist() == [2, 2, 2]
    round_constants(build.graph)
    lowered(build.graph)


def test_the_mean_of_all_magnitudes_is_a_mean_of_means() -> None:
    build = Builder((4, 2, 3))
    stem = build.stem(5)
    mean = build.add("mean_abs", _flatten(build, stem), shape=Shape(1, 1, 1))
    build.graph.output = mean
    absorb_flatten(build.graph)
    assert ops(build.graph)[-2:] == ["mean_abs", "global_mean"]
    round_constants(build.graph)
    result, data = lowered(build.graph)
    mapped = np.random.default_rng(1).normal(size=(2, 4, 2, 5)).astype(np.float32)
    tensor = next(node.inputs[0] for node in result.nodes if node.op == "mean_abs")
    found = ReferenceEngine(data).run_nodes({tensor: mapped}, [result.outputs["logits"]])[
        result.outputs["logits"]
    ]
    np.testing.assert_allclose(found[:, 0, 0, 0], np.abs(mapped).mean((1, 2, 3)), rtol=1e-6)
