"""The integers of a node as PyTorch computes them: dots of signs, sums of signs, sums of pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx import Node as FxNode

from signbit.bitformat.graph import Node
from signbit.nn.pixel_conv import pixel_sums

__all__ = ["integers"]

_OPERANDS = 5
"""How many operands a binary operation has: signs, weight signs, scale, two offsets."""


def integers(node: Node, fx: FxNode, recorded: Callable[[FxNode], Tensor]) -> Tensor:
    """What the node's integers must be, (N, channels, H, W) or (N, channels).

    fx: the exported call that the node came from. recorded: PyTorch's value of an exported node.
    """
    arguments: Any = torch.fx.map_arg(fx.args, recorded)
    with torch.no_grad():
        if node.op == "real_conv":
            images, weight, _, _, *geometry = arguments  # scale and shift
            return pixel_sums(images, weight, *geometry)
        signs, weight, *_ = arguments
        geometry = arguments[_OPERANDS:]
        if node.op == "sign_sum":
            return _sums(signs, weight, geometry)
        assert callable(fx.target)
        dots: Tensor = fx.target(signs, weight, None, None, None, *geometry)
        return dots


def _sums(signs: Tensor, weight: Tensor, geometry: Sequence[Any]) -> Tensor:
    """The sum of each group's signs, over the window of a filter."""
    if not geometry:
        return signs.sum(-1, keepdim=True)
    groups = geometry[-1]
    by_group = signs.reshape(len(signs), groups, -1, *signs.shape[2:]).sum(2)
    window = torch.ones(groups, 1, *weight.shape[2:])
    return F.conv2d(by_group, window, None, *geometry)
