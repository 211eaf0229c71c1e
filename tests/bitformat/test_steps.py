"""A step reads only what is there, and its constants fit the node's channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bitformat.builder import Builder, Sample
from tests.bitformat.samples import Make, offsets_sample, steps_sample

from signbit.bitformat.graph import Output, Pair, Shape, Step
from signbit.bitformat.table import STEPS
from signbit.bitformat.taps import axis_taps
from signbit.bitformat.validate import validate
from signbit.errors import ModelFileError

OPERAND_STEPS = [
    name for name, rule in STEPS.items() if any(key.type == "operand" for key in rule.keys)
]
sizes = st.integers(1, 6)
shapes = st.tuples(sizes, sizes, sizes)


def field_of(sample: Sample) -> str:
    """The field that validation names; empty where all is well."""
    try:
        validate(*sample)
    except ModelFileError as error:
        return str(error).partition(": ")[0]
    return ""


def reads_inside(shape: Shape, operand: Shape, every: Pair) -> bool:
    """Whether a pixel of the operand is there for each pixel of the shape."""
    if every == (0, 0):
        return operand[:2] == (1, 1)
    if 0 in every:
        return False
    return all(
        y * every[0] < operand[0] and x * every[1] < operand[1]
        for y in range(shape[0])
        for x in range(shape[1])
    )


@settings(derandomize=True, deadline=None, max_examples=400)
@given(
    shape=shapes,
    operand=st.one_of(shapes, st.tuples(st.just(1), st.just(1), sizes)),
    every=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    offset=st.integers(0, 3),
    repeat=st.sampled_from(["none", "tile", "each"]),
    op=st.sampled_from(OPERAND_STEPS),
)
def test_addressing(
    shape: Shape, operand: Shape, every: Pair, offset: int, repeat: str, op: str
) -> None:
    b = Builder(0)
    x = b.input("x", "real", *shape)
    s = b.input("s", "real", *operand)
    keys = {"input": 1, "every": every, "offset": offset, "repeat": repeat}
    b.output("y", b.node("n", "identity", (x, s), Step(op, keys)))
    field = field_of(b.sample())
    if not reads_inside(shape, operand, every):
        assert field == "nodes[0].steps[0].every"
    elif repeat != "none" and offset:
        assert field == "nodes[0].steps[0].offset"
    elif repeat == "each" and shape[2] % operand[2]:
        assert field == "nodes[0].steps[0].repeat"
    else:
        assert field == ""


def test_an_operand_is_real_and_there() -> None:
    b = Builder(0)
    x = b.input("x", "image", 2, 2, 3)
    b.output("y", b.node("n", "identity", (x,), Step("add", {"input": 0})))
    assert field_of(b.sample()) == "nodes[0].steps[0].input"
    b = Builder(0)
    x = b.input("x", "real", 2, 2, 3)
    b.output("y", b.node("n", "identity", (x,), Step("add", {"input": 0})))
    assert field_of(b.sample()) == ""
    b.output("z", b.node("m", "identity", (x,), Step("add", {"input": 1})))
    assert field_of(b.sample()) == "nodes[1].steps[0].input"


CONSTANTS = [
    (name, key.name)
    for name, rule in STEPS.items()
    for key in rule.keys
    if key.shape in ("channels", "shift")
]


@pytest.mark.parametrize(("op", "key"), CONSTANTS)
@pytest.mark.parametrize(
    "array",
    [np.zeros(3, np.float32), np.zeros(4, np.int32), np.full(4, np.nan, np.float32)],
    ids=["length", "dtype", "NaN"],
)
def test_constants_are_one_per_channel(op: str, key: str, array: Any) -> None:
    b = Builder(0)
    x = b.input("x", "real", 2, 2, 4)
    keys = {each.name: b.floats(4) for each in STEPS[op].keys if each.shape}
    if op == "add":
        keys["input"] = 0
    b.output("y", b.node("n", "identity", (x,), Step(op, keys)))
    graph, constants = b.sample()
    assert field_of((graph, constants)) == ""
    constants[str(keys[key])] = array
    assert field_of((graph, constants)) == f"nodes[0].steps[0].{key}"


def by_border(rows: Any, columns: Any, op: str = "binary_conv", **keys: Any) -> Sample:
    """5×4 signs of 2 channels, 3×3 windows, and a shift for these sets of taps."""
    b = Builder(0)
    image = b.input("image", "image", 5, 4, 2)
    signs = b.node("signs", "identity", (image,), outputs=(Output("signs"),))
    shift = b.floats(len(rows), len(columns), 3)
    affine = {"scale": b.floats(3), "shift": shift, "row_taps": rows, "column_taps": columns}
    b.output(
        "y",
        b.node(
            "conv",
            op,
            (signs,),
            Step("affine", affine),
            kernel=(3, 3),
            padding=(1, 0, 2, 1),
            weight=b.filters(3, 18),
            **keys,
        ),
    )
    return b.sample()


ROWS, COLUMNS = axis_taps(5, 3, 1, 1, 2).sets, axis_taps(4, 3, 1, 0, 1).sets
AFFINE = "nodes[1].steps[0]"


def test_the_sets_that_occur_are_all_there() -> None:
    assert ROWS == ((1, 3), (0, 3), (0, 2), (0, 1))
    assert COLUMNS == ((0, 3), (0, 2))
    assert field_of(by_border(ROWS, COLUMNS)) == ""
    assert field_of(by_border(ROWS[::-1], COLUMNS[::-1])) == ""
    assert field_of(by_border((*ROWS, (0, 0), (1, 2), (2, 3)), COLUMNS)) == ""
    for place in range(len(ROWS)):
        fewer = (*ROWS[:place], *ROWS[place + 1 :])
        assert field_of(by_border(fewer, COLUMNS)) == f"{AFFINE}.row_taps"
    assert field_of(by_border(ROWS, COLUMNS[:1])) == f"{AFFINE}.column_taps"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [((0, 4), "[1]"), ((2, 2), ""), ((2, 1), ""), ((0, 3), ""), ((3, 3), "")],
)
def test_a_set_is_within_the_kernel_and_said_once(wrong: Pair, place: str) -> None:
    assert field_of(by_border((*ROWS, wrong), COLUMNS)) == f"{AFFINE}.row_taps[4]{place}"
    assert field_of(by_border(ROWS, (*COLUMNS, wrong))) == f"{AFFINE}.column_taps[2]{place}"


def test_sets_go_with_dots_that_are_not_pooled() -> None:
    assert field_of(by_border(ROWS, COLUMNS, op="real_conv")) == f"{AFFINE}.row_taps"
    for key in ("pool_kernel", "pool_stride"):
        for pool in ((2, 1), (1, 2)):
            assert field_of(by_border(ROWS, COLUMNS, **{key: pool})) == f"{AFFINE}.row_taps"


@pytest.mark.parametrize(("make", "index"), [(offsets_sample, 4), (steps_sample, 2)])
def test_a_step_may_be_left_out(make: Make, index: int) -> None:
    """What only that step read is then read by none."""
    graph, constants = make()
    node = graph.nodes[index]
    for place, step in enumerate(node.steps):
        fewer = node.steps[:place] + node.steps[place + 1 :]
        outputs = tuple(
            replace(output, after=min(output.after or 0, len(fewer))) for output in node.outputs
        )
        nodes = list(graph.nodes)
        nodes[index] = replace(node, steps=fewer, outputs=outputs)
        field = field_of((replace(graph, nodes=tuple(nodes)), constants))
        read = {each["input"] for each in fewer if each.op in OPERAND_STEPS}
        if step.op in OPERAND_STEPS and step["input"] not in read:
            assert field == f"nodes[{index}].inputs[{step['input']}]"
        elif any(key.type == "constant" for key in step.rule.keys if key.name in step.keys):
            assert field in constants
        else:
            assert field == ""
