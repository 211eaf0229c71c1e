"""Nodes and steps give what they have, or the table's defaults."""

from __future__ import annotations

import pytest
from tests.bitformat.samples import SAMPLES, Make

from signbit.bitformat.graph import Node, Output, Step
from signbit.bitformat.validate import arity


def test_keys_are_given_or_at_their_defaults() -> None:
    node = Node("n", "binary_conv", (0,), {"kernel": (3, 1), "weight": 2})
    assert node["kernel"] == (3, 1)
    assert node["stride"] == (1, 1)
    assert node["padding"] == (0, 0, 0, 0)
    assert node["pad_sign"] == "none"
    assert node["weight"] == 2
    assert Node("n", "real_conv", (0,))["pad_value"] is None
    step = Step("add", {"input": 1})
    assert step["input"] == 1
    assert step["every"] == (1, 1)
    assert step["weighted"] is None
    assert Step("affine")["row_taps"] == ()


@pytest.mark.parametrize("each", [Node("n", "flatten", (0,)), Step("relu"), Step("multiply")])
def test_a_key_of_another_row_is_no_key(each: Node | Step) -> None:
    for key in ("pad_sign", "weighted", "nowhere"):
        with pytest.raises(KeyError, match=f"{each.op} has no key '{key}'"):
            each[key]


def test_one_output_of_reals_is_the_default() -> None:
    assert Node("n", "identity", (0,)).outputs == (Output("real", None, None, None),)


@pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
def test_first_tensors(make: Make) -> None:
    graph, _ = make()
    first = list(graph.first_tensors())
    assert first[0] == len(graph.inputs)
    for node, number, following in zip(graph.nodes, first, first[1:], strict=False):
        assert following == number + len(node.outputs)


def test_what_an_operation_reads_ends_where_steps_begin() -> None:
    assert arity(Node("n", "identity", (0, 1), steps=(Step("add", {"input": 1}),))) == 1
    assert arity(Node("n", "concat", (0, 1, 2))) == 3
    assert arity(Node("n", "concat", (0, 1, 2), steps=(Step("relu"),))) == 3
    steps = (Step("add", {"input": 3}), Step("multiply", {"input": 2}))
    assert arity(Node("n", "concat", (0, 1, 2, 3), steps=steps)) == 2
