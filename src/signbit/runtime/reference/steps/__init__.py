"""What each step makes of the values before it, found by the step's name."""

from collections.abc import Callable, Mapping

from signbit.bitformat.by_name import functions_by_name
from signbit.bitformat.exact import Float32
from signbit.bitformat.graph import Step
from signbit.runtime.reference.node_run import NodeRun

__all__ = ["STEPS"]

STEPS: Mapping[str, Callable[[Float32, Step, NodeRun], Float32]] = functions_by_name(
    __name__, __path__, "STEPS"
)
"""Step → (v, the step, its node's run) → v, both (N, height, width, channels)"""
