"""A binarizer's shift of its input as native operations take it: a value per image and channel."""

from __future__ import annotations

from torch import Tensor

from signbit.fast.mean import with_mean
from signbit.nn.binarizers.activations import ActivationBinarizer

__all__ = ["shifted"]


def shifted(binarizer: ActivationBinarizer, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """(x, binarizer.shift(x)) for x (N, C, H, W); one operation alone must use the x returned."""
    if getattr(binarizer.shift, "__func__", None) is not ActivationBinarizer.shift:
        shift = binarizer.shift(x)
        return x, None if shift is None else _for_each(x, shift)
    same, mean = with_mean(x)
    return same, _for_each(x, binarizer.shift_from_mean(mean))


def _for_each(x: Tensor, shift: Tensor) -> Tensor:
    return shift.to(x.dtype).expand(len(x), x.shape[1]).contiguous()
