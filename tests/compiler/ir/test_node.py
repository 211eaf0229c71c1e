import numpy as np
import pytest
from tests.compiler.graphs import Builder

from signbit.compiler.ir import (
    Step,
    is_addition,
    is_affine,
    is_by_channel,
    is_linear,
    is_plain,
    same,
)


def test_keys_at_their_defaults_need_not_be_there() -> None:
    build = Builder()
    node = build.graph[build.max_pool(build.stem())]
    assert node["kernel"] == (2, 2)
    assert node["dilation"] == (1, 1)
    with pytest.raises(KeyError, match="max_pool has no key 'groups'"):
        node["groups"]
    assert not node.has("groups")


def test_steps_that_are_appended_find_their_operands() -> None:
    build = Builder()
    stem = build.stem(4)
    other = build.activation(stem, "relu")
    conv = build.graph[build.conv(stem, 4)]
    steps = [Step("add", {"input": 1}), Step("multiply", {"input": 0}), Step("relu")]
    node = conv.then(steps, [other, stem])
    # What the node reads already keeps its place.
    assert node.inputs == (stem, other)
    assert [step.keys.get("input") for step in node.steps] == [0, 1, None]
    again = node.then([Step("subtract", {"input": 0})], [other])
    assert again.inputs == (stem, other)
    assert again.operand(again.steps[-1]) == other


def test_operands_of_a_concatenation_come_behind_what_it_joins() -> None:
    build = Builder()
    stem = build.stem(4)
    shape = build.graph[stem].shape._replace(channels=8)
    joined = build.graph[build.add("concat", stem, stem, shape=shape)]
    assert joined.arity == 2
    node = joined.then([Step("multiply", {"input": 0, "repeat": "tile"})], [stem])
    assert node.inputs == (stem, stem, stem)
    assert node.arity == 2


def test_what_a_node_is() -> None:
    build = Builder()
    stem = build.stem(4)
    nodes = {
        "affine": build.affine(stem),
        "addition": build.plus(stem, stem),
        "weighted": build.step("add", stem, stem, weighted=np.ones(4)),
        "relu": build.activation(stem, "relu"),
    }
    by_name = {kind: build.graph[name] for kind, name in nodes.items()}
    assert [kind for kind, node in by_name.items() if is_affine(node)] == ["affine"]
    assert [kind for kind, node in by_name.items() if is_addition(node)] == ["addition"]
    assert [kind for kind, node in by_name.items() if is_linear(node)] == ["affine"]
    assert [kind for kind, node in by_name.items() if is_by_channel(node)] == ["affine", "relu"]
    assert is_plain(Step("add", {"input": 1, "every": (1, 1)}))
    assert not is_plain(Step("add", {"input": 1, "repeat": "tile"}))


def test_equal_steps_and_arrays() -> None:
    one = Step("affine", {"scale": np.ones(2), "shift": np.zeros(2)})
    assert same(one, Step("affine", {"scale": np.ones(2), "shift": np.zeros(2)}))
    assert same((one, 1), (one, 1))
    assert not same(one, Step("affine", {"scale": np.ones(2), "shift": np.array([0.0, 1])}))
    assert not same(np.ones(2), np.ones(2, np.float32))
    assert not same(Step("relu"), Step("hardtanh"))
    assert same(Step("add", {"input": 1}), Step("add", {"input": 1, "repeat": "none"}))
