"""The largest value of a window, and of the whole image."""

from __future__ import annotations

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Node
from signbit.runtime.reference.node_run import NodeRun
from signbit.runtime.reference.windows import maximum


def _max_pool(run: NodeRun) -> Array:
    """The largest tap of each window; of signs (±1) it is +1 if any is +1."""
    return maximum(run.node, run.inputs[0])


def _global_max(run: NodeRun) -> Array:
    """The largest of all pixels, as a pool whose window is the whole image."""
    (x,) = run.inputs[:1]
    whole = Node(run.node.name, "max_pool", run.node.inputs, {"kernel": x.shape[1:3]})
    return maximum(whole, x)


OPERATIONS = {"max_pool": _max_pool, "global_max": _global_max}
