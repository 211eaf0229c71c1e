"""When native ops may stand in for non-linearities with parameters for each channel."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from signbit.nn.select.context import Reason, context, evaluation, plain_tensor
from signbit.nn.select.modules import pytorch

__all__ = ["maxout", "prelu", "rprelu"]


def rprelu(module: Any, x: Tensor | None = None) -> Reason:
    """Why the op may not stand in for `module`, an RPReLU, on x (N, channels, H, W)."""
    return (
        (None if x is None else context(x))
        or evaluation(module, x)
        or pytorch(nn.PReLU, module.prelu)
        or _by_channel(x, module.before, module.prelu.weight, module.after)
    )


def prelu(module: nn.Module, x: Tensor) -> Reason:
    """Why the op may not stand in for `module`, an nn.PReLU, on x (N, channels, H, W)."""
    reason = context(x) or evaluation(module, x) or pytorch(nn.PReLU, module)
    if reason is not None:
        return reason
    slope = cast(nn.PReLU, module).weight
    if x.dim() != 4 or 0 in x.shape or len(slope) not in (1, x.shape[1]):
        return "its input is no batch of images with its channels"
    return plain_tensor("its slope", slope)


def maxout(module: Any, x: Tensor | None = None) -> Reason:
    """Why the op may not stand in for `module`, a Maxout, on x (N, channels, H, W)."""
    return (
        (None if x is None else context(x))
        or evaluation(module, x)
        or _by_channel(x, module.negative, module.positive)
    )


def _by_channel(x: Tensor | None, first: Tensor, *others: Tensor) -> Reason:
    """Why its parameters or its input do not fit the op."""
    if x is not None and (x.dim() != 4 or 0 in x.shape or x.shape[1] != len(first)):
        return "its input is no batch of images with its channels"
    for values in (first, *others):
        reason = plain_tensor("a parameter", values)
        if reason is not None:
            return reason
        if values.shape != first.shape:
            return "its parameters are not one value per channel each"
    return None
