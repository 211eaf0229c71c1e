"""The integers of a node as PyTorch computes them: dots of signs, sums of signs, sums of pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx import Node as FxNode

from signbit.bitformat.graph import Node
from signbit.nn.pixels.pixel_conv import pixel_sums

__all__ = ["integers"]

_OPERANDS = 5
"""How many operands a binary operation has: signs, weight signs, scale, two offsets."""

_TRANSPOSED = "signbit.binary_conv_transpose2d.default"


def integers(
    node: Node, fx: FxNode, recorded: Callable[[FxNode], Tensor], phase: int | None = None
) -> Tensor:
    """What the node's integers must be, (N, channels, H, W) or (N, channels).

    fx: the exported call that the node came from. recorded: PyTorch's value of an exported node.
    phase: which pixel of each square of a transposed convolution the node yields; None for all.
    """
    arguments: Any = torch.fx.map_arg(fx.args, recorded)
    signs: Tensor
    with torch.no_grad():
        if node.op == "real_conv":
            images, weight, _, _, *geometry = arguments  # scale and shift
            return pixel_sums(images, weight, *geometry)
        signs, weight, *_ = arguments
        geometry = arguments[_OPERANDS:]
        if node.op == "sign_sum":
            if not geometry:
                return signs.sum(-1, keepdim=True)
            # The sum of each group's signs, over the window of a filter.
            signs = torch.unflatten(signs, 1, (node["groups"], -1)).sum(2)
            weight = torch.ones(node["groups"], 1, *weight.shape[2:])
        assert callable(fx.target)
        dots: Tensor = fx.target(signs, weight, None, None, None, *geometry)
        if str(fx.target) != _TRANSPOSED:
            return dots
        stride = geometry[0][0]
        squares: Tensor = F.pixel_unshuffle(dots, stride)
        if node.op == "sign_sum" and phase is None:
            phase = 0  # all are alike
        return squares if phase is None else squares[:, phase :: stride**2]
