from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.compiler.graphs import Builder, lowered, ops

from signbit.compiler.ir import Graph, Shape
from signbit.compiler.passes.fold.round_constants import round_constants
from signbit.compiler.passes.merge.absorb_views import absorb_views
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]


def _subsample(build: Builder, source: str) -> str:
    height, width, channels = build.graph[source].shape
    shape = Shape((height + 1) // 2, (width + 1) // 2, channels)
    return build.add(
        "view", source, shape=shape, stride=(2, 2), is_sign=build.graph[source].is_sign
    )


def _pad(build: Builder, source: str, before: int, after: int) -> str:
    height, width, channels = build.graph[source].shape
    shape = Shape(height, width, before + channels + after)
    return build.add("view", source, shape=shape, zeros=before)


def _added(graph: Graph) -> dict[str, Any]:
    """What the output adds to its input, and how."""
    (step,) = graph[graph.output].steps
    keys = ("every", "offset", "repeat")
    return {"tensor": graph[graph.output].operand(step), **{key: step[key] for key in keys}}


@pytest.mark.parametrize("view_first", [True, False])
def test_subsampled_and_padded_shortcut(view_first: bool) -> None:
    build = Builder((7, 6, 3))
    stem = build.stem(4)
    view = _pad(build, _subsample(build, stem), 1, 3)
    body = build.conv(stem, 8, stride=2)
    operands = (view, body) if view_first else (body, view)
    graph = build.finish(build.plus(*operands))
    absorb_views(graph)
    assert "view" not in ops(graph)
    add = graph[graph.output]
    assert add.input == body
    assert _added(graph) == {"tensor": stem, "every": (2, 2), "offset": 1, "repeat": "none"}

    result, data = lowered(graph)
    random = np.random.default_rng(2)
    mapped = random.normal(size=(2, 7, 6, 4)).astype(np.float32)
    conv = random.normal(size=(2, 4, 3, 8)).astype(np.float32)
    node = next(node for node in result.nodes if node.steps and node.steps[-1].op == "add")
    feeds = {node.inputs[node.steps[-1]["input"]]: mapped, node.inputs[0]: conv}
    found = ReferenceEngine(data).run_nodes(feeds, [result.outputs["logits"]])[
        result.outputs["logits"]
    ]
    expected = conv.copy()
    expected[..., 1:5] += mapped[:, ::2, ::2]
    np.testing.assert_array_equal(found, expected)


def test_subsampling_alone_pools_single_pixels() -> None:
    build = Builder((5, 5, 3))
    graph = build.finish(_subsample(build, build.stem(2)))
    absorb_views(graph)
    node = graph[graph.output]
    assert (node.op, node["kernel"], node["stride"]) == ("max_pool", (1, 1), (2, 2))
    lowered(graph)


def _computed(build: Builder, view: str) -> tuple[Array, Array]:
    """The value of a view that nobody adds, and of the value in front of the views."""
    graph = build.finish(view)
    source = next(node for node in graph if node.op == "view").input
    absorb_views(graph)
    round_constants(graph)
    assert "view" not in ops(graph)
    mapped = np.random.default_rng(2).normal(size=(2, *graph[source].shape)).astype(np.float32)
    result, data = lowered(graph)
    number = next(
        number
        for number, tensor in result.tensor_provenance.items()
        if tensor.export == graph[source].origin.export
    )
    found = ReferenceEngine(data).run_nodes({number: mapped}, [result.outputs["logits"]])
    return found[result.outputs["logits"]], mapped


@pytest.mark.parametrize(("before", "after"), [(1, 1), (0, 1), (3, 0), (5, 4)])
def test_zero_channels_that_are_not_added_are_clipped_ones(before: int, after: int) -> None:
    build = Builder((5, 5, 3))
    found, mapped = _computed(build, _pad(build, _subsample(build, build.stem(2)), before, after))
    around = (*[(0, 0)] * 3, (before, after))
    np.testing.assert_array_equal(found, np.pad(mapped[:, ::2, ::2], around))


def test_a_view_in_one_step_is_computed_in_several() -> None:
    build = Builder((5, 5, 3))
    stem = build.stem(2)
    view = build.add("view", stem, shape=Shape(3, 5, 4), stride=(2, 1), zeros=2)
    found, mapped = _computed(build, view)
    np.testing.assert_array_equal(found, np.pad(mapped[:, ::2], (*[(0, 0)] * 3, (2, 0))))


def _repeat(build: Builder, source: str, times: int = 2) -> str:
    shape = build.graph[source].shape
    wider = shape._replace(channels=times * shape.channels)
    return build.add("view", source, shape=wider, repeat=True)


@pytest.mark.parametrize("outermost", ["repeat", "subsample"])
def test_repeated_channels_of_a_subsampled_map(outermost: str) -> None:
    build = Builder((8, 6, 3))
    stem = build.stem(3)
    inner, outer = (_subsample, _repeat) if outermost == "repeat" else (_repeat, _subsample)
    view = outer(build, inner(build, stem))
    body = build.conv(stem, 6, stride=2)
    graph = build.finish(build.plus(view, body))
    absorb_views(graph)
    assert graph[graph.output].input == body
    assert _added(graph) == {"tensor": stem, "every": (2, 2), "offset": 0, "repeat": "tile"}
    lowered(graph)


def test_repeated_twice_is_repeated() -> None:
    build = Builder()
    stem = build.stem(2)
    graph = build.finish(build.plus(build.conv(stem, 8), _repeat(build, _repeat(build, stem))))
    absorb_views(graph)
    assert _added(graph) == {"tensor": stem, "every": (1, 1), "offset": 0, "repeat": "tile"}


@pytest.mark.parametrize("kind", ["zeros inside", "zeros outside", "both sides", "convolution"])
def test_repeated_channels_that_no_shortcut_shows_are_joined(kind: str) -> None:
    build = Builder()
    stem = build.stem(2)
    if kind == "zeros inside":
        output = build.plus(build.conv(stem, 8), _repeat(build, _pad(build, stem, 0, 2)))
    elif kind == "zeros outside":
        output = build.plus(build.conv(stem, 8), _pad(build, _repeat(build, stem), 0, 4))
    elif kind == "both sides":
        output = build.plus(_repeat(build, stem), _repeat(build, build.activation(stem, "relu")))
    else:
        output = build.conv(_repeat(build, stem), 8)
    graph = build.finish(output)
    absorb_views(graph)
    round_constants(graph)
    assert "view" not in ops(graph)
    assert "concat" in ops(graph)
    lowered(graph)


def test_a_value_joined_with_itself_is_joined() -> None:
    build = Builder((5, 5, 3))
    found, mapped = _computed(build, _repeat(build, build.stem(2)))
    np.testing.assert_array_equal(found, np.concatenate((mapped, mapped), 3))
