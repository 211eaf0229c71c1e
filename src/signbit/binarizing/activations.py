"""Which values are never negative, so that their signs would say nothing, and what made them so."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from signbit.binarizing.tracing import module_of

__all__ = ["SUMS", "Origin", "never_negative"]


@dataclass(frozen=True)
class Origin:
    """What keeps a value from being negative: activations that can be replaced, and the rest."""

    activations: frozenset[fx.Node]
    others: frozenset[fx.Node] = frozenset()

    def __or__(self, other: Origin) -> Origin:
        return Origin(self.activations | other.activations, self.others | other.others)


_RELUS = (nn.ReLU, nn.ReLU6)
_RELU_CALLS = (F.relu, F.relu_, F.relu6, torch.relu, torch.relu_, "relu", "relu_")
_CLIPS = (F.hardtanh, F.hardtanh_, torch.clamp, torch.clip, torch.clamp_min, "clamp", "clamp_min")
_POSITIVE = (nn.Sigmoid, nn.Hardsigmoid, nn.Softmax, nn.Softmax2d, nn.Softplus)
_POSITIVE_CALLS: tuple[Any, ...] = (
    *(torch.sigmoid, F.sigmoid, F.hardsigmoid, F.softmax, torch.softmax, F.softplus),
    *(torch.abs, torch.exp, torch.square, "sigmoid", "softmax", "abs", "exp", "square"),
)
_KEEPS = (
    *(nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.Identity, nn.Flatten),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle),
    *(nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, nn.ChannelShuffle, nn.Unflatten),
)
_KEEP_CALLS: tuple[Any, ...] = (
    *(F.max_pool1d, F.max_pool2d, F.avg_pool1d, F.avg_pool2d, torch.max_pool2d, F.pad),
    *(F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d, F.interpolate),
    *(F.dropout, F.dropout2d, F.pixel_shuffle, torch.flatten, torch.reshape, torch.mean),
    *(torch.permute, torch.transpose, torch.squeeze, torch.unsqueeze, torch.amax, torch.max),
    *(operator.getitem, "flatten", "reshape", "view", "mean", "permute", "transpose", "squeeze"),
    *("unsqueeze", "contiguous", "clone", "detach", "chunk", "split", "amax", "expand", "to"),
)
SUMS: tuple[Any, ...] = (operator.add, operator.iadd, torch.add, "add", "add_")
"""Calls that add two tensors."""
_PRODUCTS: tuple[Any, ...] = (operator.mul, operator.imul, torch.mul, "mul", "mul_")
_JOINS: tuple[Any, ...] = (torch.cat, torch.concat, torch.concatenate, torch.stack)


def never_negative(root: nn.Module, node: fx.Node) -> Origin | None:
    """Why the node's value has no negative numbers; None where it may have some.

    Of values that are joined it is enough that those of one are never negative.
    """
    module = module_of(root, node)
    target: Any = node.target
    if isinstance(module, _RELUS) or target in _RELU_CALLS or _clips_at_zero(module, node):
        return Origin(frozenset({node}))
    if isinstance(module, _POSITIVE) or target in _POSITIVE_CALLS:
        return Origin(frozenset(), frozenset({node}))
    if isinstance(module, _KEEPS) or target in _KEEP_CALLS:
        (first, *_) = node.args or (None,)
        return never_negative(root, first) if isinstance(first, fx.Node) else None
    if target in _JOINS:
        parts = [never_negative(root, each) for each in node.all_input_nodes]
        found = [each for each in parts if each is not None]
        return _united(found) if found else None
    if target in SUMS or target in _PRODUCTS:
        return _of_terms(root, node)
    return None


def _of_terms(root: nn.Module, node: fx.Node) -> Origin | None:
    parts = []
    for each in node.args:
        if isinstance(each, fx.Node):
            parts.append(never_negative(root, each))
        elif not isinstance(each, int | float) or each < 0:
            return None
    if not parts or any(each is None for each in parts):
        return None
    return _united([each for each in parts if each is not None])


def _united(parts: list[Origin]) -> Origin:
    whole, *rest = parts
    for each in rest:
        whole |= each
    return whole


def _clips_at_zero(module: nn.Module | None, node: fx.Node) -> bool:
    if isinstance(module, nn.Hardtanh):
        return module.min_val >= 0
    if node.target not in _CLIPS:
        return False
    least = node.kwargs.get("min", node.kwargs.get("min_val"))
    if least is None and len(node.args) > 1:
        least = node.args[1]
    return isinstance(least, int | float) and least >= 0
