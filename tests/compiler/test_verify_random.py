"""Verification of networks put together at random: no false alarm, and no fault that it misses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.compiler.file_nodes import written
from tests.compiler.nets import compiled, pixels
from tests.compiler.random_nets import random_net
from tests.thorough import many

from signbit.bitformat import encode
from signbit.bitformat.graph import Node
from signbit.compiler import Compiled
from signbit.compiler.verification.verify import verify_nodes
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

SIZE = (12, 12, 3)
COUNT = 6


def _check(seed: int) -> int:
    """Compile and verify one network; the number of its faults that show."""
    result = compiled(random_net(seed), SIZE)
    images = pixels(COUNT, SIZE, seed)
    assert [node for node in verify_nodes(result, images) if not node.agrees] == []
    shown = 0
    for node, constant, change in _faults(result, np.random.default_rng(seed)):
        data = encode(result.graph, {**result.constants, constant: change})
        faulty = ReferenceEngine(data)
        right = ReferenceEngine(result.data)
        if _shows(node, written(result.graph.nodes)[node.name], right, faulty, images):
            found = verify_nodes(result, images, engine=faulty)
            assert not all(other.agrees for other in found), f"{constant} of {seed}"
            shown += 1
    return shown


def _faults(result: Compiled, random: np.random.Generator) -> Iterator[tuple[Node, str, Array]]:
    """A node, one of its constants, and the same with one number changed: one of each kind."""
    nodes = list(result.graph.nodes)
    random.shuffle(nodes)
    kinds: set[str] = set()
    for node in nodes:
        for kind, name, by in _changes(node, result.constants):
            if kind not in kinds:
                kinds.add(kind)
                changed = result.constants[name].copy()
                place = tuple(random.integers(size) for size in changed.shape)
                if kind in ("weight bit", "flip"):
                    changed[place] ^= changed.dtype.type(1)
                else:
                    changed[place] += by
                yield node, name, changed


def _changes(node: Node, constants: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Kind of number, the constant that holds some, and how far to move one."""
    if "weight" in node.keys:
        name = str(node["weight"])
        packed = constants[name].dtype == np.uint64
        yield "weight bit" if packed else "weight", name, 0.1
    for step in node.steps:
        if step.op == "affine":
            scale, shift = str(step["scale"]), str(step["shift"])
            yield "scale", scale, 0.1 * float(np.abs(constants[scale]).max())
            yield "bias", shift, 0.1 * float(np.abs(constants[shift]).max())
        if step.op == "offset":
            yield "offset", str(step["value"]), 0.1
    for output in node.outputs:
        if output.threshold is not None:
            name = str(output.threshold)
            kind = "integer" if constants[name].dtype == np.int32 else "real"
            yield f"{kind} threshold", name, 1
        if output.flip is not None:
            yield "flip", str(output.flip), 0


def _shows(
    node: Node,
    numbers: list[int],
    right: ReferenceEngine,
    faulty: ReferenceEngine,
    images: Array,
) -> bool:
    """Whether what the node writes for the images changes by more than any rounding."""
    values, changed = (engine.run_nodes({0: images}, numbers) for engine in (right, faulty))
    for number, output in zip(numbers, node.outputs, strict=True):
        if output.kind == "signs" and (values[number] != changed[number]).any():
            return True
        difference = np.abs(np.subtract(values[number], changed[number], dtype=np.float64)).max()
        if output.kind == "real" and difference > 0.01 * np.abs(values[number]).max():
            return True
    return False


@pytest.mark.parametrize("seed", [0, 5])
def test_one_network(seed: int) -> None:
    assert _check(seed) > 0


@pytest.mark.slow
def test_many_networks() -> None:
    shown = [_check(seed) for seed in range(10, 10 + many(30))]
    assert sum(shown) > 2 * len(shown)
