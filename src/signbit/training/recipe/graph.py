"""A recipe's own network, where it has no name: `signbit.models.graph`, as data."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from signbit.training.recipe.section import Section, Whole
from signbit.training.recipe.sections import Side

__all__ = ["Graph", "GraphNode"]


class GraphNode(Section):
    """One operation: what it reads, by the names of nodes before it, and its plain arguments."""

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    args: dict[str, Any] = Field(default_factory=dict)


class Graph(Section):
    """A network that another tool wrote. `input_size` is (height, width), `classes` its scores."""

    input_size: tuple[Side, Side]
    classes: Whole = Field(gt=0)
    nodes: tuple[GraphNode, ...] = Field(min_length=1)
