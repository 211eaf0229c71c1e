"""What native operations take of a binarizer: its sign's argument, and what its offset adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from signbit.fast.mean import with_mean
from signbit.nn.binarizers.activations import ActivationBinarizer, AdaptiveActivation
from signbit.nn.binarizers.weights import BinaryWeight

__all__ = ["SignArgument", "border_of", "shifted", "sign_argument"]


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


def border_of(
    conv: Callable[[Tensor, Tensor, int], Tensor],
    weight: BinaryWeight,
    input_offset: Tensor,
    size: Sequence[int],
) -> Tensor:
    """δ·(scale[c]·W + offset[c]·N), (1, out, H', W'), for images of `size`; differentiable.

    W and N, the sum and the number of a filter's signs inside the image, are convolutions by
    conv(x, weight, groups); δ is the input's offset.
    """
    signs, scale, offset = weight
    inside = signs.new_ones(1, 1, *size)
    border = conv(inside, signs.sum(1, keepdim=True), 1)
    if scale is not None:
        border = border * scale.reshape(-1, 1, 1)
    if offset is not None:
        taps = conv(inside, signs.new_full((1, 1, *signs.shape[2:]), signs.shape[1]), 1)
        border = border + offset.reshape(-1, 1, 1) * taps
    return input_offset * border


def shifted(binarizer: ActivationBinarizer, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """(x, binarizer.shift(x)) for x (N, C, H, W); one operation alone must use the x returned."""
    if getattr(binarizer.shift, "__func__", None) is not ActivationBinarizer.shift:
        shift = binarizer.shift(x)
        return x, None if shift is None else _for_each(x, shift)
    same, mean = with_mean(x)
    return same, _for_each(x, binarizer.shift_from_mean(mean))


def _for_each(x: Tensor, shift: Tensor) -> Tensor:
    return shift.to(x.dtype).expand(len(x), x.shape[1]).contiguous()
