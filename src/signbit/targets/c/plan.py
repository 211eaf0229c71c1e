"""What is computed when: the graph's nodes, or fewer tensors and more work.

A real tensor that only global means and identities read need not be stored: its node runs once for
each of them, and hands every pixel over while it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from signbit.bitformat.graph import Graph, Node, Step

__all__ = ["Planned", "planned", "without"]


class Planned(NamedTuple):
    """A node and the numbers of what it writes.

    summed: the node whose values a global mean adds up as they come; they are its first input.
    """

    node: Node
    outputs: tuple[int, ...]
    summed: Node | None = None

    @property
    def read(self) -> set[int]:
        """The numbers of all tensors that it reads, but for what is not stored."""
        first = () if self.summed is None else self.summed.inputs
        return {*first, *self.node.inputs[0 if self.summed is None else 1 :]}


def planned(graph: Graph) -> list[Planned]:
    """The graph as it is."""
    return [Planned(node, tuple(numbers)) for node, numbers in graph.written()]


def without(plan: Sequence[Planned], number: int) -> list[Planned] | None:
    """The same values without storing real tensor `number`; None where something needs it stored.

    It is no output of the graph.
    """
    made = next(each for each in plan if number in each.outputs)
    readers = [each for each in plan if number in each.read]
    alone = made.summed is None and len(made.outputs) == 1 and readers
    if not alone or not all(_takes_pixels(each, number) for each in readers):
        return None
    rest = []
    for each in plan:
        if each in readers:
            rest.append(_joined(made.node, each))
        elif each is not made:
            rest.append(each)
    return rest


def _takes_pixels(reader: Planned, number: int) -> bool:
    """Whether a node reads a tensor as its operation's input alone, pixel after pixel."""
    node = reader.node
    places = [place for place, each in enumerate(node.inputs) if each == number]
    by_steps = [step["input"] for step in node.steps if _reads(step)]
    first = places == [0] and 0 not in by_steps and reader.summed is None
    return first and node.op in ("identity", "global_mean")


def _reads(step: Step) -> bool:
    return any(key.type == "operand" for key in step.rule.keys)


def _joined(made: Node, reader: Planned) -> Planned:
    """The reader, which computes what `made` would have stored."""
    node = reader.node
    if node.op == "global_mean":
        return reader._replace(summed=made)
    moved = len(made.inputs) - 1
    steps = tuple(
        replace(step, keys={**step.keys, "input": step["input"] + moved}) if _reads(step) else step
        for step in node.steps
    )
    count = len(made.steps)
    outputs = tuple(
        output if output.after is None else replace(output, after=output.after + count)
        for output in node.outputs
    )
    joined = replace(
        made,
        name=node.name,
        inputs=(*made.inputs, *node.inputs[1:]),
        steps=(*made.steps, *steps),
        outputs=outputs,
    )
    return reader._replace(node=joined)
