"""Signs by given thresholds, as networks that were trained and rounded elsewhere have them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from signbit.errors import InputError

__all__ = ["Threshold"]


class Threshold(nn.Module):
    """−1 where x < threshold, else +1; where `inverted`, the opposite: +1 where x < threshold.

    Input (N, channels, …), float32, sums of signs or any reals; output the same shape, −1 and +1.
    thresholds: whole numbers or reals, one for each channel, or one for all of them. A real that
    float32 does not have becomes the float32 behind it, which every float32 x compares with in the
    same way. inverted: one flag for each channel, or one for all. NaN counts as not below.

    A Threshold is finished: it has no parameters and no gradient. A compiled file compares whole
    numbers (the dots of a binary layer) as such, and ties are exact. "Above t" of a network whose
    rule is x > t is `Threshold(t + 1)` of whole numbers.
    Raises InputError for thresholds that are not finite, whole ones beyond ±2^24, which float32
    does not tell apart, and for another number of flags or channels than of thresholds.

    >>> Threshold([3, -1], inverted=[False, True])(torch.tensor([[3.0, -1.0], [2.0, -2.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """

    threshold: Tensor
    below: Tensor

    def __init__(
        self,
        thresholds: float | Sequence[float] | Tensor,
        inverted: bool | Sequence[bool] | Tensor = False,
    ) -> None:
        super().__init__()
        # NumPy keeps every digit of Python's numbers, torch those of float32.
        exact = thresholds if isinstance(thresholds, Tensor) else np.asarray(thresholds)
        given = torch.as_tensor(exact)
        flags = torch.as_tensor(inverted)
        if given.dim() > 1 or given.numel() < 1 or given.dtype == torch.bool or given.is_complex():
            raise InputError("Threshold needs one number, or a list of one for each channel")
        if flags.dtype != torch.bool or flags.dim() > 1:
            raise InputError(
                "Threshold: inverted must be a flag, or a list of one for each channel"
            )
        if not given.is_floating_point() and int(given.abs().max()) > 2**24:
            raise InputError(
                "Threshold: whole numbers must lie within ±2^24, so that they are exact"
            )
        given, flags = given.reshape(-1), flags.reshape(-1)
        if 1 != len(flags) != len(given) != 1:
            raise InputError(
                f"Threshold has {len(given)} thresholds and {len(flags)} flags; give as many"
            )
        bound = given.double()
        near = bound.float()
        infinite = near.new_tensor(torch.inf)
        behind = torch.where(near.double() < bound, torch.nextafter(near, infinite), near)
        if not behind.isfinite().all():
            raise InputError("Threshold: every threshold must be a finite float32")
        count = max(len(given), len(flags))
        self.register_buffer("threshold", behind.expand(count).clone())
        self.register_buffer("below", torch.where(flags, 1.0, -1.0).expand(count).clone())

    def forward(self, x: Tensor) -> Tensor:
        count = len(self.threshold)
        if x.dim() < 2 or count not in (1, x.shape[1]):
            raise InputError(
                f"Threshold expects (N, {count if count > 1 else 'channels'}, …), "
                f"got {tuple(x.shape)}"
            )
        shape = (-1, *(1,) * (x.dim() - 2))
        below = self.below.reshape(shape)
        return torch.where(x < self.threshold.reshape(shape), below, -below)

    def extra_repr(self) -> str:
        return f"{len(self.threshold)}"
