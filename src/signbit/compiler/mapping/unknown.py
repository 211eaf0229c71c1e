"""Why an operation or a shape that no mapping knows cannot compile, and what to write instead."""

from __future__ import annotations

import torch
from torch.fx import Node as FxNode

from signbit.bitformat.activations import ACTIVATIONS

__all__ = ["instead_of_shape", "why_unknown"]

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
    **dict.fromkeys(
        ("mean", "sum", "nansum"),
        "take the mean of each map, x.mean((2, 3)), and its multiple for the sum: "
        "x.mean((2, 3)) * (H * W)",
    ),
    **dict.fromkeys(
        ("std", "var"),
        "it has no deviations but those of nn.LayerNorm, nn.GroupNorm and nn.InstanceNorm2d",
    ),
    **dict.fromkeys(
        ("baddbmm", "gru", "lstm", "mm", "mv"),
        "build the network of nn.Conv2d and nn.Linear, and of products, x * y and x @ y",
    ),
    **dict.fromkeys(
        ("conv_transpose3d", "convolution"),
        "write F.interpolate(x, scale_factor=2) and nn.Conv2d, or nn.Conv2d and nn.PixelShuffle",
    ),
    **dict.fromkeys(
        ("split_copy", "unbind_copy"),
        "take channels by x[:, k:k+1], or several by x.split(n, 1)",
    ),
    "squeeze": "name the dimensions, x.squeeze((2, 3)), or write x.flatten(1)",
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


def instead_of_shape(sizes: tuple[int, ...]) -> str:
    """What the engine knows, and what to write in place of an operation that yields such sizes."""
    known = "the engine knows (C,) and (C, H, W)"
    if len(sizes) == 2:
        return (
            f"{known}: keep maps as they are, and take x.mean((2, 3)) for the mean of each, "
            "x.amax((2, 3)) for its largest value, x.flatten(1) for all values"
        )
    return (
        f"{known}: join channels by torch.cat(…, 1), and take some by x[:, a:b]" if sizes else known
    )
