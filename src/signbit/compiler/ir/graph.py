"""The compiler's graph: nodes in order of execution, and what passes do with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from signbit.compiler.ir.node import Node
from signbit.compiler.ir.operations import INPUTS
from signbit.compiler.ir.pixel_values import PixelValues
from signbit.errors import CompileError, Refusal

__all__ = ["LOGITS", "Graph"]

LOGITS = "logits"
"""Name of a network's output, where the model gives it none."""


@dataclass
class Graph:
    """Nodes in order of execution, by name. Passes rewrite it in place."""

    nodes: dict[str, Node] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    """Name of each output → the value that it is, in the file's order; one may be several."""
    pixel_tables: dict[str, PixelValues] = field(default_factory=dict)
    """Values that are tables of pixels → what they have of each, until a pass has seen to them."""
    input_offsets: dict[str, float] = field(default_factory=dict)
    """Products of signs whose steps add what a number beside each input's sign makes of the
    weights → that number, as they were traced."""
    refused: list[Refusal] = field(default_factory=list)
    """What cannot be done of all this. Whoever finds something goes on, to find the rest, too."""

    @property
    def inputs(self) -> list[Node]:
        """What a caller gives, in the file's order."""
        return [node for node in self.nodes.values() if node.op in INPUTS]

    @property
    def output(self) -> str:
        """The value of the first output, which is the one with scores; set, it is the only one."""
        return next(iter(self.outputs.values()), "")

    @output.setter
    def output(self, name: str) -> None:
        self.outputs = {LOGITS: name}

    def is_output(self, name: str) -> bool:
        """Whether a value is an output of the network."""
        return name in self.outputs.values()

    def require_nothing_refused(self) -> None:
        """Raise CompileError with all that was refused so far."""
        if self.refused:
            raise CompileError(*self.refused)

    def __iter__(self) -> Iterator[Node]:
        """The nodes in order, each as it is at its turn; nodes added meanwhile are left out."""
        for name in list(self.nodes):
            if name in self.nodes:
                yield self.nodes[name]

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def __contains__(self, name: str) -> bool:
        return name in self.nodes

    def add(self, node: Node) -> Node:
        """Append a node."""
        assert node.name not in self.nodes, node.name
        assert all(name in self.nodes for name in node.inputs), node.name
        self.nodes[node.name] = node
        return node

    def update(self, name: str, **changes: Any) -> Node:
        """Change fields of a node where it stands; its name stays."""
        assert "name" not in changes
        self.nodes[name] = replace(self.nodes[name], **changes)
        return self.nodes[name]

    def put(self, node: Node) -> Node:
        """Let a node take the place of the one of its name."""
        assert node.name in self.nodes, node.name
        self.nodes[node.name] = node
        return node

    def insert_before(self, name: str, node: Node) -> None:
        """Put a new node in front of another."""
        self._insert(self.place(name), node)

    def insert_behind(self, node: Node) -> None:
        """Put a new node behind its input; whoever read that takes the new value instead."""
        self.redirect(node.input, node.name)
        self._insert(self.place(node.input) + 1, node)

    def _insert(self, place: int, node: Node) -> None:
        assert node.name not in self.nodes
        items = list(self.nodes.items())
        self.nodes = dict([*items[:place], (node.name, node), *items[place:]])

    def move_before(self, name: str, node: str) -> None:
        """Put a node, which nobody in between reads, in front of another."""
        self.insert_before(name, self.nodes.pop(node))

    def remove(self, name: str) -> None:
        """Delete a node that nobody reads."""
        assert not self.readers(name)
        assert not self.is_output(name)
        del self.nodes[name]

    def bypass(self, name: str) -> None:
        """Delete a node; its readers, and the graph's outputs, take its input instead."""
        self.redirect(name, self.nodes[name].input)
        del self.nodes[name]

    def redirect(self, old: str, new: str) -> None:
        """Let every reader of a value, and the graph's outputs, take another one."""
        for reader in self.readers(old):
            inputs = tuple(new if name == old else name for name in reader.inputs)
            self.update(reader.name, inputs=inputs)
        self.outputs = {
            name: new if value == old else value for name, value in self.outputs.items()
        }

    def readers(self, name: str) -> list[Node]:
        """Nodes that read a value, in order; one that reads it twice is listed once."""
        return [node for node in self.nodes.values() if name in node.inputs]

    def only_reader(self, name: str) -> Node | None:
        """The one node that reads a value, if it is one and the value is no output."""
        readers = self.readers(name)
        return readers[0] if len(readers) == 1 and not self.is_output(name) else None

    def place(self, name: str) -> int:
        """Position in the order of execution."""
        return list(self.nodes).index(name)

    def unique(self, wanted: str) -> str:
        """A name not yet taken, made of the wanted one."""
        name, number = wanted, 2
        while name in self.nodes:
            name, number = f"{wanted}.{number}", number + 1
        return name
