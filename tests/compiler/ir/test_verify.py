"""A whole graph passes; of one that is not, the message names node and field."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.compiler.graphs import Builder

from signbit.compiler.ir import Graph, Shape, Step, verify
from signbit.errors import InternalError


def _network() -> tuple[Builder, dict[str, str]]:
    """Every kind of thing that can be broken, by name."""
    build = Builder((8, 8, 3))
    names = {"stem": build.stem(4)}
    names["sign"] = build.sign(names["stem"])
    names["conv"] = build.conv_with("sums", names["sign"], 4)
    names["sum"] = build.plus(names["conv"], names["stem"])
    names["pool"] = build.max_pool(names["sum"])
    build.finish(names["pool"])
    return build, names


def test_a_whole_graph_passes() -> None:
    verify(_network()[0].graph)


def test_before_the_constants_are_rounded() -> None:
    build = Builder()
    build.graph.output = build.affine(build.stem(4))
    verify(build.graph)


Break = Callable[[Graph, dict[str, str]], object]


def _set(name: str, **changes: object) -> Break:
    return lambda graph, names: graph.update(names[name], **changes)


def _key(name: str, **keys: object) -> Break:
    return lambda graph, names: graph.put(graph[names[name]].with_keys(**keys))


def _steps(name: str, *steps: Step) -> Break:
    return lambda graph, names: graph.update(names[name], steps=steps)


def _later(graph: Graph, names: dict[str, str]) -> None:
    graph.move_before(names["stem"], names["sum"])


def _misnamed(graph: Graph, names: dict[str, str]) -> None:
    graph.nodes[names["pool"]] = replace(graph[names["pool"]], name="other")


BROKEN: dict[str, tuple[Break, str, str]] = {
    "no such input": (_set("pool", inputs=("nowhere",)), "pool", ".inputs[0]: 'nowhere' is no"),
    "an input that comes later": (_later, "sum", ".inputs[0]"),
    "too few inputs": (_set("pool", inputs=()), "pool", ".inputs: max_pool reads 1"),
    "an input that nothing reads": (
        lambda graph, names: graph.update(names["pool"], inputs=(names["sum"], names["stem"])),
        "pool",
        ".inputs[1]: is read by no step",
    ),
    "another kind": (
        lambda graph, names: graph.update(
            names["conv"], inputs=(names["stem"], *graph[names["conv"]].inputs[1:])
        ),
        "conv",
        ".inputs[0]: must be bits, is real",
    ),
    "a step reads signs": (
        lambda graph, names: graph.update(names["sum"], inputs=(names["conv"], names["sign"])),
        "sum",
        ".inputs[1]: must be real, is bits",
    ),
    "an unknown key": (_key("pool", weight=np.ones(4)), "pool", ".weight: is no key of max_pool"),
    "a key that is missing": (_set("conv", keys={}), "conv", ".weight: is missing"),
    "a number for a constant": (_key("conv", weight=3), "conv", ".weight: holds a int"),
    "an array for a number": (_key("conv", groups=np.ones(1)), "conv", ".groups: holds a ndarray"),
    "an unknown step": (_steps("sum", Step("round")), "sum", ".steps[0]: 'round' is no step"),
    "a step's key": (
        _steps("sum", Step("add", {"input": 1, "slope": np.ones(4)})),
        "sum",
        ".steps[0].slope: is no key of add",
    ),
    "a step's place": (_steps("sum", Step("add", {"input": 2})), "sum", ".inputs[1]: is read by"),
    "a constant of another shape": (
        _steps("stem", Step("affine", {"scale": np.ones(4), "shift": np.ones(3)})),
        "stem",
        ".steps[0].shift: tensor '1' must have shape (4,)",
    ),
    "filters of another shape": (
        _key("conv", weight=np.ones((4, 3, 3, 3), np.int8)),
        "conv",
        ".weight: must have shape (out, 3, 3, 4)",
    ),
    "another shape": (_set("pool", shape=Shape(8, 4, 4)), "pool", ".shape: is"),
    "a window that does not fit": (_key("pool", kernel=(9, 9)), "pool", ".kernel: does not fit"),
    "an operand that is too small": (
        _steps("sum", Step("add", {"input": 1, "every": (2, 2)})),
        "sum",
        ".steps[0].every: reads outside",
    ),
    "signs that are none": (_set("pool", is_sign=True), "pool", ".is_sign: yields real"),
    "a name": (_misnamed, "pool", ".name: is 'other'"),
    "steps of a sign": (_steps("sign", Step("relu")), "sign", ".steps: sign is followed by none"),
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_names_node_and_field(kind: str) -> None:
    build, names = _network()
    change, name, message = BROKEN[kind]
    change(build.graph, names)
    wanted = re.escape(f"after some_pass: {names[name]!r}{message}")
    with pytest.raises(InternalError, match=wanted):
        verify(build.graph, "some_pass")


def test_the_output_must_exist() -> None:
    build, _ = _network()
    build.graph.output = "nowhere"
    with pytest.raises(InternalError, match=r"outputs\.logits: 'nowhere' is no value"):
        verify(build.graph)


def test_a_constant_that_float32_cannot_hold_is_no_mistake_of_the_compiler() -> None:
    build = Builder()
    build.graph.output = build.scaled(build.stem(4), 1e39, 0)
    verify(build.graph)
