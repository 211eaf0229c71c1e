"""What one pass changes, for those who write one."""

from __future__ import annotations

import difflib
from typing import Protocol

from signbit.compiler.ir import Graph, text

__all__ = ["Pass", "show"]


class Pass(Protocol):
    """A rewriting of the graph, in place."""

    @property
    def __name__(self) -> str: ...

    def __call__(self, graph: Graph, /) -> None: ...


def show(rewrite: Pass, graph: Graph) -> str:
    """Run a pass; return the graph with `-` in front of what was before, `+` of what is now.

    One line per node, as `signbit.compiler.ir.text` has it.
    """
    before = text(graph).splitlines()
    rewrite(graph)
    after = text(graph).splitlines()
    changes = list(difflib.unified_diff(before, after, n=len(before), lineterm=""))
    lines = changes[3:] or [f" {line}" for line in after]
    return "\n".join([f"{rewrite.__name__}:", *lines])
