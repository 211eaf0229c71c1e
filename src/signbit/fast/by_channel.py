"""Non-linearities with parameters for each channel: one native pass forward and one back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from signbit.fast.memory_format import arranged, is_channels_last, pixels_of

__all__ = ["computed", "gradients"]


def computed(kernel: Callable[..., None], x: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """What `kernel` makes of x (N, C, H, W) and parameters (C,) each; memory as x."""
    pixels = pixels_of(x)
    y = torch.empty_like(pixels)
    kernel(*_arrays(pixels), *_plain(parameters), *_arrays(y), torch.get_num_threads())
    return arranged(y, is_channels_last(x))


def gradients(
    kernel: Callable[..., None],
    x: Tensor,
    gradient: Tensor,
    parameters: Sequence[Tensor],
    count: int,
) -> tuple[Tensor, ...]:
    """The gradients of x and of the non-linearity's `count` parameters, from that of its result."""
    pixels = pixels_of(x)
    of_x, of_parameters = torch.empty_like(pixels), x.new_empty((count, x.shape[1]))
    kernel(
        *_arrays(pixels, pixels_of(gradient)),
        *_plain(parameters),
        *_arrays(of_x),
        of_parameters,
        torch.get_num_threads(),
    )
    return arranged(of_x, is_channels_last(x)), *of_parameters.unbind()


def _arrays(*pixels: Tensor) -> list[Tensor]:
    """(N, H, W, C) as the kernels take them: (images, pixels, channels)."""
    return [each.flatten(1, 2) for each in pixels]


def _plain(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [each.detach().contiguous() for each in parameters]
