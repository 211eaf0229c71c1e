"""Which memory a result lies in: that of nn.Conv2d's for the same input and weight.

The kernels work on images whose channels lie together; PyTorch calls that channels-last memory.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["arranged", "conv_is_channels_last", "is_channels_last", "pixels_of"]


def pixels_of(x: Tensor) -> Tensor:
    """(N, C, H, W) as contiguous (N, H, W, C), without a copy where memory is in that order."""
    return x.detach().permute(0, 2, 3, 1).contiguous()


def is_channels_last(x: Tensor) -> bool:
    """Whether PyTorch takes the strides of x (N, C, H, W) for channels-last memory.

    Images of one channel or one pixel are contiguous either way, and slices neither way; strides
    decide, as in ATen's `suggest_memory_format`; a single value per image says nothing.
    """
    last = x.is_contiguous(memory_format=torch.channels_last)
    if 1 not in x.shape and last != x.is_contiguous():
        return last  # as nearly always
    of_batch, of_channel, of_row, of_column = x.stride()
    if of_channel == 0 or x.shape[1:].numel() == 1:
        return False
    least = 0
    for size, stride in (
        (x.shape[1], of_channel),
        (x.shape[3], of_column),
        (x.shape[2], of_row),
        (x.shape[0], of_batch),
    ):
        if size == 0 or stride < least:
            return False
        least, before = stride * max(size, 1), least
    # The batch came last: where it adds nothing to the channel's stride, the order is ambiguous.
    return before != of_channel


def conv_is_channels_last(x: Tensor, weight: Tensor) -> bool:
    """Whether nn.Conv2d's result for x and weight, and its gradients, are channels-last."""
    return is_channels_last(x) or is_channels_last(weight)


def arranged(pixels: Tensor, channels_last: bool) -> Tensor:
    """Contiguous (N, H, W, C) as (N, C, H, W) in channels-last or in contiguous memory."""
    if channels_last:
        return pixels.permute(0, 3, 1, 2)
    n, height, width, channels = pixels.shape
    if channels == 1 or height == width == 1:
        return pixels.view(n, channels, height, width)
    return pixels.permute(0, 3, 1, 2).contiguous()
