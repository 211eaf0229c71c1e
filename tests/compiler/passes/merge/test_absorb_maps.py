import numpy as np
import pytest
from tests.compiler.graphs import Builder, answers, compare_with_zero, ops

from signbit.compiler.passes import remove_dead
from signbit.compiler.passes.fold.round_constants import round_constants
from signbit.compiler.passes.merge.absorb_maps import absorb_maps


def _by_pixel(build: Builder, source: str) -> str:
    shape = build.graph[source].shape._replace(channels=1)
    return build.add("mean_abs", source, shape=shape)


def _times(build: Builder, values: str, by_pixel: str) -> str:
    return build.step("multiply", values, by_pixel, repeat="tile")


def _scale(build: Builder, source: str) -> str:
    channels = build.graph[source].shape.channels
    scale = build.random.choice([-2.0, -0.5, 0.25, 1.0], channels)  # exact in float32
    return build.scaled(source, scale, 0)


@pytest.mark.parametrize("scales", [0, 1, 2])
def test_moves_onto_the_dots_over_scales(scales: int) -> None:
    build = Builder()
    stem = build.stem(4)
    value = build.conv(build.sign(stem), 8)
    for _ in range(scales):
        value = _scale(build, value)
    # The map comes after the convolution, which then has to wait for it.
    product = _times(build, value, _by_pixel(build, stem))
    graph = build.finish(build.activation(product, "relu"))
    compare_with_zero(graph)
    before = answers(graph)
    absorb_maps(graph)
    conv = next(node for node in graph if node.op == "binary_conv")
    assert graph[conv.operand(conv.steps[0])].op == "mean_abs"
    assert product not in graph
    assert ops(graph).count("identity") == 2 + scales
    # Powers of two commute with rounding.
    np.testing.assert_array_equal(answers(graph), before)
    # PyTorch has the product's value, and the body's dots, but not what lies between.
    last = graph[graph[graph.output].input]
    assert last.origin.export == f"fx_{product}"
    assert conv.body_origin.export == f"fx_{conv.name}"
    assert scales == 0 or conv.origin.export == ""


def test_either_side_may_be_the_convolution_with_one_channel() -> None:
    build = Builder()
    stem = build.stem(4)
    conv = build.conv(build.sign(stem), 1)
    product = _times(build, _by_pixel(build, stem), conv)
    graph = build.finish(product)
    compare_with_zero(graph)
    before = answers(graph)
    absorb_maps(graph)
    assert "identity" not in ops(graph)[3:]
    np.testing.assert_array_equal(answers(graph), before)


@pytest.mark.parametrize("kind", ["shifted", "read elsewhere", "sums", "pooled", "real", "itself"])
def test_elsewhere_it_stays_a_node(kind: str) -> None:
    build = Builder()
    stem = build.stem(1)
    sign = build.sign(stem)
    value = build.conv_with("sums", sign, 1) if kind == "sums" else build.conv(sign, 1)
    if kind == "shifted":
        value = build.scaled(value, 1, 1)
    if kind == "pooled":
        value = build.max_pool(value, 3, 1, 1)
    if kind == "real":
        value = build.conv(stem, 1)
    by_pixel = value if kind == "itself" else _by_pixel(build, stem)
    product = _times(build, value, by_pixel)
    graph = build.finish(build.plus(product, value) if kind == "read elsewhere" else product)
    remove_dead(graph)
    compare_with_zero(graph)
    before = answers(graph)
    absorb_maps(graph)
    assert graph[product].operand(graph[product].steps[0]) == by_pixel
    round_constants(graph)
    np.testing.assert_array_equal(answers(graph), before)


def test_a_map_of_one_channel_is_no_factor_of_one_dot() -> None:
    """A gate of one channel multiplies the map: the gate's own dots are a single pixel."""
    build = Builder()
    stem = build.stem(1)
    gate = build.conv(build.sign(build.mean(stem)), 1, 1, padding=0)
    product = build.step("multiply", stem, gate, every=(0, 0))
    graph = build.finish(build.activation(product, "relu"))
    compare_with_zero(graph)
    before = answers(graph)
    absorb_maps(graph)
    assert product in graph
    np.testing.assert_array_equal(answers(graph), before)
