"""The activations, which bitformat owns, with each step's constants."""

from __future__ import annotations

from signbit.bitformat.activations import ACTIVATIONS, activate
from signbit.bitformat.exact import Float32
from signbit.bitformat.graph import Step
from signbit.runtime.reference.node_run import NodeRun


def _activation(v: Float32, step: Step, run: NodeRun) -> Float32:
    return activate(step.op, v, *(run.constants[step[key.name]] for key in step.rule.keys))


STEPS = dict.fromkeys(ACTIVATIONS, _activation)
