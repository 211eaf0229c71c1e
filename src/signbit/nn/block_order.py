"""Where a residual block normalises: behind its convolution or before it. A Method says which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from signbit.nn.blocks import normalised, normalised_conv

__all__ = ["CONV_FIRST", "NORM_FIRST", "BlockOrder", "norm_first"]


_NOTHING = nn.Identity()


@dataclass(frozen=True)
class BlockOrder:
    """How a residual block makes its normalisation, and what it computes with it."""

    norm: Callable[[int, int], nn.Module]
    """(input channels, output channels) of the convolution -> its normalisation."""
    apply: Callable[[nn.Module, nn.Module, nn.Module, Tensor, Tensor], Tensor]
    """(convolution, normalisation, non-linearity, x (N, in, H, W), shortcut) -> the block's result,
    shaped like the shortcut."""


def _conv_of_normalised(
    conv: nn.Module, norm: nn.Module, nonlinearity: nn.Module, x: Tensor, shortcut: Tensor
) -> Tensor:
    result: Tensor = nonlinearity(conv(normalised(norm, _NOTHING, x)) + shortcut)
    return result


CONV_FIRST = BlockOrder(lambda before, after: nn.BatchNorm2d(after), normalised_conv)
"""nonlinearity(norm(conv(x)) + shortcut). Bi-Real Net and its successors."""


def norm_first(eps: float) -> BlockOrder:
    """nonlinearity(conv(norm(x)) + shortcut): a sign sees normalised values. XNOR-Net.

    eps: what the normalisation adds to a variance, > 0.
    """
    return BlockOrder(lambda before, after: nn.BatchNorm2d(before, eps=eps), _conv_of_normalised)


NORM_FIRST = norm_first(1e-5)
"""`norm_first` with PyTorch's own eps."""
