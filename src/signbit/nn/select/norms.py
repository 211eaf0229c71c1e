"""Rules about normalisations, and the kinds of them that join the parts of several processes.

A kind over several processes is known once it is registered, with how it joins them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from signbit.fast.batch_norm import Join
from signbit.nn.select.context import Reason, context, plain_tensor
from signbit.nn.select.modules import altered, pytorch

__all__ = ["batch_norm", "join_of", "register_joined_norm", "trained_norm"]

_joined: dict[type[nn.Module], tuple[Callable[..., Any], Join]] = {}


def register_joined_norm(kind: type[nn.BatchNorm2d], join: Join) -> None:
    """Let native ops compute a `kind`, whose forward makes one batch of several parts by `join`.

    Both ways have to talk to the other processes alike, as each process chooses for itself.
    """
    _joined[kind] = kind.forward, join


def join_of(norm: nn.Module) -> Join | None:
    """How `norm` joins the parts of several processes; None where it normalises its own."""
    known = _joined.get(type(norm))
    return None if known is None else known[1]


def batch_norm(norm: nn.Module, x: Tensor, shortcut: Tensor | None) -> Reason:
    """Why the op may not stand in for `norm`, and for what is added behind it, on x.

    Outside of channels-last memory PyTorch's passes are as good.
    """
    reason = context(x) or trained_norm(norm)
    if reason is not None:
        return reason
    if x.dim() != 4 or 0 in x.shape or x.shape[1] != cast(nn.BatchNorm2d, norm).num_features:
        return "its input is no batch of images with its channels"
    if x.numel() == x.shape[1]:
        return "a single value per channel has no spread"
    if x.is_contiguous() or not x.is_contiguous(memory_format=torch.channels_last):
        return "its input is not channels-last"
    if shortcut is None:
        return None
    if shortcut.shape != x.shape:
        return "the shortcut has another shape than the result"
    return plain_tensor("the shortcut", shortcut)


def trained_norm(norm: nn.Module) -> Reason:
    """Why a native op may not compute `norm` in training."""
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
