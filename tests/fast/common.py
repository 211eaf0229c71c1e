"""The native convolution of signs as tests call it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from signbit.fast.layer import SignConvSettings
from signbit.fast.sign_conv import sign_conv2d


def dots(
    x: Tensor,
    shift: Tensor | None,
    signs: Tensor,
    scale: Tensor | None,
    surrogate: tuple[str, Sequence[float]],
    *geometry,
) -> Tensor:
    """scale[c] · conv2d(sign(x + shift), signs); geometry is stride, padding, dilation, groups."""
    settings = SignConvSettings(*surrogate, *geometry)
    return sign_conv2d(x, shift, None, (signs, scale, None), None, settings)
