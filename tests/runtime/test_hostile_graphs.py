"""Graphs and constants that lie: both readers refuse each, and name the field.

One case a rule, by hand; test_fuzzed_files.py breaks everything else in small ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.bitformat.builder import Array
from tests.bitformat.files import with_constants, with_graph
from tests.bitformat.mutations import Path, at
from tests.bitformat.samples import (
    Make,
    int16_filter,
    int16_sample,
    offsets_sample,
    operations_sample,
    sample,
    steps_sample,
)
from tests.runtime.readers import check_alike, reader, verdict

Case = tuple[str, bytes, str]
"""What is wrong, the file, the field that the message names."""

STEM, BODY, POOL, MEAN, FC = range(5)
"""Nodes of `sample`."""
PREPARE, MEAN_ABS, BOX, SUM, CONVOLVE, HEAD = range(6)
"""Nodes of `offsets_sample`."""


def changed(make: Make, label: str, path: Path, value: Any, field: str = "") -> Case:
    """A value set; the field is its own, where no other is said."""
    *parent, key = path

    def change(graph: dict[str, Any]) -> None:
        at(graph, tuple(parent))[key] = value

    return label, with_graph(change, make), field or field_of(path)


def without(make: Make, path: Path) -> Case:
    """A key left out."""
    *parent, key = path
    data = with_graph(lambda graph: at(graph, tuple(parent)).pop(key), make)
    return f"without {field_of(path)}", data, field_of(tuple(parent)) or "signbit"


def field_of(path: Path) -> str:
    """A path as messages write it."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def constant(make: Make, path: Path, array: Array, field: str = "") -> Case:
    """The constant that a key names, replaced."""
    number: list[str] = []
    with_graph(lambda graph: number.append(str(at(graph, path))), make)
    data = with_constants(lambda constants: constants.update({number[0]: array}), make)
    return f"{array.dtype} {array.shape}", data, field or field_of(path)


def poked(make: Make, path: Path, value: Any, field: str = "") -> Case:
    """The last item of the constant that a key names, changed."""
    number: list[str] = []
    with_graph(lambda graph: number.append(str(at(graph, path))), make)
    data = with_constants(lambda constants: constants[number[0]].flat.__setitem__(-1, value), make)
    return f"last item {value}", data, field or field_of(path)


def _graphs() -> Iterator[Case]:
    for key in ("format", "inputs", "outputs", "nodes"):
        label, data, field = without(sample, (key,))
        yield label, data, "format" if key == "format" else field
    yield changed(sample, "unknown key", ("comment",), "hello", "signbit")
    yield changed(sample, "source of numbers", ("source", "epochs"), 3)
    yield changed(sample, "no node", ("nodes",), [])
    yield changed(sample, "no input", ("inputs",), [])
    yield changed(sample, "no output", ("outputs",), [])
    yield changed(sample, "any size, or not", ("any_size",), False)
    yield changed(sample, "an input of bits", ("inputs", 0, "kind"), "bits")
    yield changed(
        sample, "too large an input", ("inputs", 0, "shape"), [16_384] * 2 + [5], "inputs[0]"
    )
    yield changed(sample, "resized reals", ("inputs", 0, "kind"), "real", "inputs[0].resize")
    yield changed(sample, "a table that is not there", ("inputs", 0, "table"), 99)
    yield changed(sample, "a table of reals", ("inputs", 0, "table"), 0)
    yield changed(sample, "a negative table", ("inputs", 0, "table"), -1)
    yield changed(sample, "cubic", ("inputs", 0, "resize", "interpolation"), "cubic")
    for rule, field in (
        ({}, ""),
        ({"shorter_side": 7, "both_sides": [7, 7]}, ""),
        ({"both_sides": [7, 0]}, ".both_sides[1]"),
        ({"letterbox": [0, 0]}, ".letterbox"),
        ({"letterbox": [0, 0, 256]}, ".letterbox[2]"),
        ({"letterbox": [0] * 4}, ".letterbox"),
        ({"shorter_side": 7, "aliased": False}, ".aliased"),
        ({"shorter_side": 7, "colours": "hsv"}, ".colours"),
    ):
        path = ("inputs", 0, "resize")
        yield changed(sample, f"a rule {rule}", path, rule, f"inputs[0].resize{field}")
    yield changed(sample, "rounded up", ("inputs", 0, "resize", "rule"), "ceiling")
    yield changed(sample, "three classes", ("outputs", 0, "classes"), ["a", "b", "c"])
    yield changed(sample, "the image as output", ("outputs", 0, "tensor"), 0)
    yield changed(sample, "an unwritten output", ("outputs", 0, "tensor"), 8)
    again = {"name": "logits", "tensor": 7}
    yield changed(sample, "outputs of one name", ("outputs",), [again, again], "outputs[1].name")
    image = {"name": "image", "kind": "image", "shape": [6, 6, 3]}
    yield changed(sample, "inputs of one name", ("inputs",), [image, image], "inputs[1].name")


def _nodes() -> Iterator[Case]:
    def node(label: str, index: int, key: str, value: Any, field: str = "") -> Case:
        return changed(sample, label, ("nodes", index, key), value, field)

    def swap(graph: dict[str, Any]) -> None:
        graph["nodes"][STEM], graph["nodes"][BODY] = graph["nodes"][BODY], graph["nodes"][STEM]

    yield node("unknown op", BODY, "op", "pointwise")
    yield node("op of a list", BODY, "op", ["binary_conv"])
    yield node("a name twice", MEAN, "name", "body")
    yield node("a node reads itself", STEM, "inputs", [1], "nodes[0].inputs[0]")
    yield node("a negative input", STEM, "inputs", [-1], "nodes[0].inputs[0]")
    yield node("no input", MEAN, "inputs", [])
    yield node("an input for no step", MEAN, "inputs", [3, 3], "nodes[3].inputs[1]")
    yield node("reals for a dot of signs", BODY, "inputs", [1, 1], "nodes[1].inputs[0]")
    yield node("signs for a step", BODY, "inputs", [2, 2], "nodes[1].inputs[1]")
    yield node("too many inputs", MEAN, "inputs", [3] * 65)
    yield "nodes out of order", with_graph(swap, sample), "nodes[0].inputs[0]"
    for groups in (0, 3, 65_537):
        yield node(f"{groups} groups", BODY, "groups", groups)
    yield node("four groups", BODY, "groups", 4, "nodes[1].weight")
    yield node("kernel does not fit", BODY, "dilation", [9, 1], "nodes[1].kernel")
    yield node("another kernel", FC, "kernel", [2, 1], "nodes[4].weight")
    yield node("pool does not fit", BODY, "pool_kernel", [7, 1])
    yield node("pool without steps", BODY, "pool_stride", [0, 2], "nodes[1].pool_stride[0]")
    yield node("padding of a whole window", POOL, "padding", [2, 1, 1, 1])
    yield node("padding of a whole window behind", POOL, "padding", [1, 1, 1, 2])
    yield node("taps wider than the image", POOL, "dilation", [1, 4])
    yield node("no outputs", POOL, "outputs", [])
    yield node("too many outputs", MEAN, "outputs", [{"kind": "real"}] * 65)
    yield node("too many steps", MEAN, "steps", [{"op": "relu"}] * 65)
    yield changed(
        sample, "two groupings", ("nodes", FC), {
            "name": "fc", "op": "binary_conv", "inputs": [2], "groups": 4, "weight": 10,
        }, "nodes[4].groups",
    )  # fmt: skip
    for groups in (3, 8):
        yield changed(offsets_sample, f"{groups} sums", ("nodes", SUM, "groups"), groups)
    field = f"nodes[{CONVOLVE}].groups"
    yield changed(offsets_sample, "other sums", ("nodes", SUM, "groups"), 4, field)
    for index, source in ((SUM, 1), (MEAN_ABS, 2), (MEAN_ABS, 0)):
        path = ("nodes", index, "inputs")
        yield changed(
            offsets_sample, f"{index} of {source}", path, [source], f"{field_of(path)}[0]"
        )


def _rearranging() -> Iterator[Case]:
    def node(label: str, index: int, key: str, value: Any, field: str = "") -> Case:
        return changed(operations_sample, label, ("nodes", index, key), value, field)

    deep, flat, tall, part, parts = range(1, 6)
    yield node("three into eight", deep, "block", 3)
    yield node("squares of three", flat, "block", 3)
    yield node("upsampled too far", tall, "factor", [4097, 1], f"nodes[{tall}]")
    yield node("a slice past the end", part, "first", 8, f"nodes[{part}].count")
    yield node("a slice of nothing", part, "count", 0)
    yield node("one alone", parts, "inputs", [7])
    yield node("images joined", parts, "inputs", [0, 7, 6], f"nodes[{parts}].inputs[0]")
    yield node("other pixels joined", parts, "inputs", [7, 5, 6], f"nodes[{parts}].inputs[1]")
    yield node("kinds mixed", parts, "inputs", [7, 3, 6], f"nodes[{parts}].inputs[1]")


def _steps() -> Iterator[Case]:
    def step(label: str, path: Path, value: Any, field: str = "") -> Case:
        return changed(offsets_sample, label, ("nodes", CONVOLVE, "steps", *path), value, field)

    add = {"op": "add"}
    yield step("the node's own", (0, "op"), "binary_conv")
    yield step("a key of another step", (4, "low"), 7, "nodes[4].steps[4]")
    yield step("an input that is not there", (5,), add | {"input": 4}, "nodes[4].steps[5].input")
    yield step("reads signs", (5,), add | {"input": 0}, "nodes[4].steps[5].input")
    yield step("an input that none reads", (3, "input"), 1, "nodes[4].inputs[3]")
    yield step("rows outside", (0, "every"), [2, 1])
    yield step("columns outside", (0, "every"), [1, 2])
    yield step("half a broadcast", (0, "every"), [0, 1])
    yield step("a broadcast of more than one pixel", (0, "every"), [0, 0])
    yield step("an offset that repeats", (0, "offset"), 1)
    yield step("a negative offset", (0, "offset"), -1)
    yield step("each of a divisor that is none", (3, "repeat"), "each")
    yield step("repeat without", (0, "repeat"), True)
    yield step("weights of another length", (2, "weighted"), 0)
    yield step("weights that are not there", (2, "weighted"), 99)


def _shifts() -> Iterator[Case]:
    steps = ("nodes", CONVOLVE, "steps")
    rows, columns = (*steps, 1, "row_taps"), (*steps, 1, "column_taps")
    for shape in ((10,), (3, 4), (4, 4, 10), (3, 3, 10), (3, 4, 9), (1, 3, 4, 10)):
        yield constant(offsets_sample, (*steps, 1, "shift"), np.zeros(shape, np.float32))
    yield poked(offsets_sample, (*steps, 1, "shift"), np.nan)
    for label, path, sets, field in (
        ("a set is missing", rows, [[1, 3], [0, 3], [0, 1]], ""),
        ("a set is there twice", rows, [[1, 3], [0, 3], [0, 3]], "[2]"),
        ("a set falls", rows, [[1, 3], [0, 3], [2, 1]], "[2]"),
        ("a set is empty", rows, [[1, 3], [0, 3], [1, 1]], "[2]"),
        ("a set leaves the kernel", columns, [[1, 3], [0, 3], [0, 2], [0, 4]], "[3][1]"),
        ("sets are numbers", columns, [1, 3, 2, 4], "[0]"),
    ):
        yield changed(offsets_sample, label, path, sets, field_of(path) + field)
    pool = ("nodes", CONVOLVE, "pool_stride")
    yield changed(offsets_sample, "pooled", pool, [2, 1], "nodes[4].steps[1].row_taps")


def _outputs() -> Iterator[Case]:
    def output(label: str, node: int, value: Any, field: str) -> Case:
        path = ("nodes", node, "outputs", 1)
        return changed(sample, label, path, value, field_of(path) + field)

    yield output("bits", BODY, {"kind": "bits"}, ".kind")
    yield output("after more steps than there are", BODY, {"kind": "signs", "after": 4}, ".after")
    yield output("a threshold of reals", BODY, {"kind": "real", "threshold": 8}, ".threshold")
    yield output("a flip of reals", BODY, {"kind": "real", "flip": 9}, ".flip")
    late = {"kind": "signs", "after": 1, "threshold": 8, "flip": 9}
    yield output("integers after a step", BODY, late, ".after")
    path = ("nodes", STEM, "outputs", 1, "threshold")
    yield constant(sample, path, np.zeros(8, np.int32))  # float weights yield no integers
    yield constant(sample, path, np.zeros(7, np.float32))
    yield poked(sample, path, np.nan)
    yield poked(sample, ("nodes", BODY, "outputs", 1, "flip"), 2)


def _constants() -> Iterator[Case]:
    scale, weight = ("nodes", BODY, "steps", 0, "scale"), ("nodes", BODY, "weight")
    yield poked(sample, scale, np.nan)
    yield poked(sample, ("nodes", STEM, "weight"), np.inf)
    yield poked(sample, ("nodes", STEM, "pad_value"), -np.inf)
    yield poked(sample, weight, 1 << 36)
    yield poked(sample, ("nodes", FC, "weight"), 1 << 63)
    yield constant(sample, scale, np.ones(9, np.float32))
    yield constant(sample, scale, np.ones(10, np.int32))
    yield constant(sample, weight, np.zeros((12, 1), np.uint64), "nodes[1].steps[0].scale")
    yield constant(sample, weight, np.zeros((11, 1), np.uint64))  # two groups do not divide it
    yield constant(sample, weight, np.zeros((10, 2), np.uint64))
    yield constant(sample, weight, np.zeros(10, np.uint64))
    yield constant(sample, ("nodes", STEM, "pad_value"), np.zeros(3, np.uint8))
    for array in (np.zeros((3, 4), np.uint64), np.zeros((3, 6, 5, 10), np.uint64)):
        yield constant(offsets_sample, ("nodes", HEAD, "weight"), array)
    for dtype in (np.int16, np.int32):
        array = np.zeros((3, 6, 5, 10), dtype)
        yield constant(offsets_sample, ("nodes", HEAD, "weight"), array)
    yield poked(offsets_sample, ("nodes", HEAD, "weight"), 1 << 44)
    yield poked(offsets_sample, ("nodes", CONVOLVE, "steps", 5, "value"), np.inf)
    for name in ("spare", "011", "11 "):
        data = with_constants(lambda c, name=name: c.update({name: np.zeros(3, "f4")}), sample)
        yield f"a tensor {name!r}", data, name
    for key in ("low", "high"):
        path = ("nodes", 2, "steps", 4, key)
        yield constant(steps_sample, path, np.zeros(5, np.float32))
    path = ("nodes", 9, "epsilon")
    yield constant(operations_sample, path, np.zeros(2, np.float32))
    yield poked(operations_sample, path, np.nan)


def _int16() -> Iterator[Case]:
    weight, pad = ("nodes", 0, "weight"), ("nodes", 0, "pad_value")
    for value in (8192, -8192, 32767, -32768):
        yield poked(int16_sample, weight, value)
    yield constant(int16_sample, weight, np.zeros((6, 3, 3, 2), np.int16))
    yield constant(int16_sample, pad, np.zeros(3, np.float32))
    yield constant(int16_sample, pad, np.zeros(3, np.int16))
    yield constant(int16_sample, pad, np.zeros(6, np.uint8))
    yield constant(int16_sample, ("nodes", 0, "steps", 0, "scale"), np.zeros(6, np.int16))
    yield constant(int16_sample, ("nodes", 2, "weight"), np.zeros((2, 1), np.int16))
    copies = ("nodes", 2, "copies")
    yield changed(int16_sample, "copies that do not divide the channels", copies, 4)
    yield changed(int16_sample, "copies 0", copies, 0)
    yield changed(int16_sample, "fewer weights than are given", copies, 3, "nodes[2].weight")
    reals = {"name": "second", "op": "real_conv", "inputs": [1], "kernel": [3, 3], "weight": 2}
    square = np.zeros((6, 3, 3, 6), np.int16)

    def second(graph: dict[str, Any]) -> None:
        graph["nodes"].append({**reals, "weight": 7})

    def add(constants: dict[str, Array]) -> None:
        constants["7"] = square

    _, constants = int16_sample()
    add(constants)
    data = with_graph(second, lambda: (int16_sample()[0], constants))
    yield "int16 weights of reals", data, "nodes[3].weight"
    last = (2**31 - 1) // 255 - 1028 * 8191
    for value in (8191, last + 1, -last - 1):
        yield f"int16 sums, the last weight {value}", int16_filter(1029, value), "nodes[0].weight"


HOSTILE = {
    f"{cases.__name__} {number}: {label}": (data, field)
    for cases in (_graphs, _nodes, _rearranging, _steps, _shifts, _outputs, _constants, _int16)
    for number, (label, data, field) in enumerate(cases())
}


@reader
@pytest.mark.parametrize("name", HOSTILE)
def test_refused(read: Callable[[bytes], object], name: str) -> None:
    data, field = HOSTILE[name]
    assert verdict(read, data) == ("ModelFileError", field)


@reader
def test_messages_about_a_node_end_with_its_name(read: Callable[[bytes], object]) -> None:
    _, data, _ = changed(sample, "", ("nodes", BODY, "groups"), 3)
    with pytest.raises(Exception, match=r"nodes\[1\]\.groups: 3 does not .* \(node 'body'\)$"):
        read(data)


def test_int16_sums_up_to_the_limit_are_read() -> None:
    last = (2**31 - 1) // 255 - 1028 * 8191
    for data in (int16_filter(1028, 8191), int16_filter(1029, last), int16_filter(1029, -last)):
        assert check_alike(data)
