"""Rules about a unit's normalisation, and the kinds of it that join the parts of several processes.

A kind over several processes is known once it is registered, with how it joins them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from torch import nn

from signbit.fast.binary_unit import Join
from signbit.nn.select.context import Reason, plain_tensor
from signbit.nn.select.modules import altered, pytorch

__all__ = ["join_of", "register_joined_norm", "trained_norm"]

_joined: dict[type[nn.Module], tuple[Callable[..., Any], Join]] = {}


def register_joined_norm(kind: type[nn.BatchNorm2d], join: Join) -> None:
    """Let units compute a `kind`, whose forward makes one batch of all processes' parts by `join`.

    Both ways have to talk to the other processes alike, as each process chooses for itself.
    """
    _joined[kind] = kind.forward, join


def join_of(norm: nn.Module) -> Join | None:
    """How `norm` joins the parts of several processes; None where it normalises its own."""
    known = _joined.get(type(norm))
    return None if known is None else known[1]


def trained_norm(norm: nn.Module) -> Reason:
    """Why a unit may not compute `norm` in training."""
    known = _joined.get(type(norm))
    reason = pytorch(nn.BatchNorm2d, norm) if known is None else altered(norm, known[0])
    if reason is not None:
        return reason
    norm = cast(nn.BatchNorm2d, norm)
    if not norm.training:
        return "its normalisation does not train"
    if not norm.affine or norm.momentum is None or not norm.track_running_stats:
        return "a unit's normalisation is affine, with running statistics and a momentum"
    for values in (*norm._parameters.values(), norm.running_mean, norm.running_var):
        reason = plain_tensor("a value of its normalisation", values)
        if reason is not None:
            return reason
    return None
