"""What native operations take of a binarizer: its sign's argument."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from signbit.fast.mean import with_mean
from signbit.nn.binarizers.activations import ActivationBinarizer, AdaptiveActivation

__all__ = ["SignArgument", "shifted", "sign_argument"]


class SignArgument(NamedTuple):
    """A binarizer takes the sign of (x + shift) / divisor; None: 0, and 1."""

    x: Tensor
    shift: Tensor | None
    divisor: Tensor | None


def sign_argument(binarizer: ActivationBinarizer, x: Tensor) -> SignArgument:
    """What `binarizer` takes the sign of, x (N, C, H, W); one operation alone must use its x."""
    if isinstance(binarizer, AdaptiveActivation):
        return SignArgument(x, _for_each(x, -binarizer.beta), binarizer.alpha)
    return SignArgument(*shifted(binarizer, x), None)


def shifted(binarizer: ActivationBinarizer, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """(x, binarizer.shift(x)) for x (N, C, H, W); one operation alone must use the x returned."""
    if getattr(binarizer.shift, "__func__", None) is not ActivationBinarizer.shift:
        shift = binarizer.shift(x)
        return x, None if shift is None else _for_each(x, shift)
    same, mean = with_mean(x)
    return same, _for_each(x, binarizer.shift_from_mean(mean))


def _for_each(x: Tensor, shift: Tensor) -> Tensor:
    return shift.to(x.dtype).expand(len(x), x.shape[1]).contiguous()
