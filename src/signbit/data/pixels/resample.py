"""Scaling and blurring as matrices, one for each image of a batch, so that a device does them.

Rows of a picture are mixed by one matrix, columns by another; both are products that every device
is good at, whatever window or strength each image has.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["BLUR_REACH", "blurring", "mixed", "scaling"]

BLUR_REACH = 8
"""How many pixels to each side a blur looks: four times the largest σ in use, 2."""


def scaling(starts: Tensor, lengths: Tensor, size: int, out: int) -> Tensor:
    """What makes `out` pixels of each window: (N, out, size), rows that sum to 1.

    starts, lengths: (N,), in pixels, of windows inside 0 … size. Bilinear, antialiased where it
    shrinks, with the weights of Pillow's `crop(window).resize()`.
    """
    step = lengths / out
    reach = step.clamp(min=1)
    places = torch.arange(max(size, out), device=starts.device, dtype=starts.dtype) + 0.5
    centres = starts[:, None] + places[:out] * step[:, None]
    pixels = places[:size]
    weights = 1 - (pixels - centres[..., None]).abs() / reach[:, None, None]
    inside = (pixels > starts[:, None]) & (pixels < (starts + lengths)[:, None])
    weights = weights.clamp(min=0) * inside[:, None]
    return weights / weights.sum(-1, keepdim=True)


def blurring(sigmas: Tensor, size: int) -> Tensor:
    """Gaussian blurs of `size` pixels: (N, size, size), rows that sum to 1.

    sigmas: (N,), in pixels, 0 … BLUR_REACH / 4; 0 leaves an image as it is. Beyond the edge a
    picture goes on with its last pixel.
    """
    offsets = torch.arange(-BLUR_REACH, BLUR_REACH + 1, device=sigmas.device)
    # So small a σ gives the middle all the weight.
    wide = sigmas.clamp(min=1e-3)[:, None]
    weights = torch.exp(-(offsets**2) / (2 * wide**2))
    weights = weights / weights.sum(1, keepdim=True)
    places = torch.arange(size, device=sigmas.device)[:, None] + offsets
    pixels = torch.arange(size, device=sigmas.device)
    taken = (places.clamp(0, size - 1)[..., None] == pixels).to(sigmas.dtype)
    return torch.einsum("nk,ikj->nij", weights, taken)


def mixed(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """rows · image · columnsᵀ for each channel: (N, C, H, W) → (N, C, y, x).

    rows: (N, y, H), columns: (N, x, W).
    """
    tall = torch.einsum("nyh,nchw->nycw", rows, images)
    return torch.einsum("nxw,nycw->ncyx", columns, tall)
