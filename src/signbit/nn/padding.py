"""Signs around a map, where zeros are no signs."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from signbit.errors import InputError

__all__ = ["SignPadding"]


class SignPadding(nn.Module):
    """Rows and columns of one sign around a map, (N, C, H, W), or a signal, (N, C, L).

    In front of a `BinaryConv2d` without padding of its own a tap outside the map then counts as
    `sign`, +1 or −1, where the layer's own padding counts nothing; the compiled layer pads itself
    and takes no longer. Output (N, C, H + top + bottom, W + left + right). padding: a whole number
    for all sides, or (left, right) or (left, right, top, bottom), as `F.pad` has it, none negative.
    Raises InputError for another padding, another sign, and an input without these dimensions.

    >>> SignPadding(1, -1)(torch.zeros(1, 1, 1, 1))
    tensor([[[[-1., -1., -1.],
              [-1.,  0., -1.],
              [-1., -1., -1.]]]])
    """

    def __init__(self, padding: int | Sequence[int], sign: int = 1) -> None:
        super().__init__()
        sides = [padding] if isinstance(padding, int) else list(padding)
        whole = all(isinstance(side, int) and side >= 0 for side in sides)
        if len(sides) not in (1, 2, 4) or not whole:
            raise InputError(
                "SignPadding: padding must be one whole number, or (left, right), or (left, right, "
                f"top, bottom), none negative, got {padding}"
            )
        if sign not in (1, -1):
            raise InputError(f"SignPadding: sign must be 1 or -1, got {sign}")
        self.padding = padding if isinstance(padding, int) else tuple(sides)
        self.sign = int(sign)

    def forward(self, x: Tensor) -> Tensor:
        spatial = x.dim() - 2
        padding = self.padding
        sides = (padding,) * (2 * spatial) if isinstance(padding, int) else padding
        if spatial not in (1, 2) or len(sides) > 2 * spatial:
            raise InputError(
                f"SignPadding of {padding} expects (N, C, H, W) or (N, C, L), got {tuple(x.shape)}"
            )
        return F.pad(x, sides, value=float(self.sign))

    def extra_repr(self) -> str:
        return f"{self.padding}, sign={self.sign}"
