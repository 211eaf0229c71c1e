"""Why an operation of PyTorch's that no mapping knows cannot compile, and what to write instead."""

from __future__ import annotations

import torch
from torch.fx import Node as FxNode

from signbit.bitformat.activations import ACTIVATIONS

__all__ = ["why_unknown"]

_SCORES = "leave it out, and take it of the engine's scores"

_CURES = {
    **dict.fromkeys(
        ("argmax", "argmin", "argsort", "max", "min", "sort", "topk"),
        f"it yields scores, not their order: {_SCORES}",
    ),
    **dict.fromkeys(
        ("log_softmax", "log_sigmoid"),
        "take the log of the engine's scores, or end in softmax or sigmoid",
    ),
    **dict.fromkeys(("eq", "ne"), "compare by <, <=, > or >=, with one number for each channel"),
    "addcdiv": "it divides by constants alone",
    "addcmul": "write x + value * a * b",
    "glu": "write x[:, :n] * torch.sigmoid(x[:, n:])",
    "lerp": "write x + weight * (y - x)",
    "pow": "it knows squares alone: write other powers as products",
    "reciprocal": "it divides by constants alone",
    "rsqrt": "it divides by constants alone; F.normalize(x, dim=1) is known",
}
"""Operation → what the engine does instead, or what to write."""


def why_unknown(fx: FxNode) -> tuple[str, str]:
    """The reason for a call that has no mapping, and the cure, or "" where there is none."""
    name = str(fx.target).removeprefix("aten.").split(".")[0]
    if name in _CURES:
        return "the engine has no such operation", _CURES[name]
    if torch.Tag.nondeterministic_seeded in getattr(fx.target, "tags", ()):
        return "yields random values", "leave it out in evaluation mode: if self.training: …"
    if torch.Tag.pointwise in getattr(fx.target, "tags", ()) and len(fx.all_input_nodes) == 1:
        return "the engine has no such non-linearity", f"it knows {', '.join(ACTIVATIONS)}"
    return "the engine has no such operation", ""
