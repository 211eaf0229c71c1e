"""Tables of 256 values for pixels, as networks that were quantised elsewhere read them.

Owns the named operation `signbit::pixel_table`, and the module around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, cast

import torch
from torch import Tensor, nn

from signbit.bitformat.int16_stem import MAX_PIXEL
from signbit.errors import InputError
from signbit.nn.pixels.pixel_conv import recover_pixels

__all__ = ["PixelTable"]


def _forward(images: Tensor, table: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    pixels = recover_pixels(images, mean, std).long()
    channels = torch.arange(len(table), device=images.device).reshape(-1, 1, 1)
    return table[channels, pixels]


_pixel_table = torch.library.custom_op(
    "signbit::pixel_table",
    _forward,
    mutates_args=(),
    schema="(Tensor images, Tensor table, float[] mean, float[] std) -> Tensor",
)
_pixel_table.register_fake(
    lambda images, table, mean, std: torch.empty_like(images, dtype=table.dtype)
)


def _backward(ctx: Any, grad: Tensor) -> NoReturn:
    raise NotImplementedError(
        "signbit::pixel_table has no gradient: the images that it reads are not trained"
    )


_pixel_table.register_autograd(_backward)

for _device in ("cpu", "cuda"):
    # Under autocast too: bfloat16 cannot tell neighbouring pixels apart.
    _pixel_table.register_autocast(_device, torch.float32)


class PixelTable(nn.Module):
    """values[p], or values[c, p], of every pixel p of channel c.

    Input: normalised float images (N, channels, H, W) of whole pixels, by `mean` and `std`, each
    one number or one for each channel: those that the network is trained and compiled with. Output
    float32 of the same shape. values: (256,) or (channels, 256), for the pixels 0 to 255. Nothing
    in it is trained, and a gradient with respect to the images raises NotImplementedError.

    A compiled file has the table, where nothing else reads the images, no sign is one pixel's and
    the values are at most 255 apart. Elsewhere it computes it, exactly, from pieces along which it
    rises evenly, of which there must be few. The values must be whole numbers; a factor comes
    behind it. FINN's quantiser p − 128 + [p ≥ 128] − [p = 255] is an example.
    Raises InputError for values of another shape or that are not finite, and for other channels.

    >>> table = PixelTable(torch.arange(256) - 128)
    >>> table(torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2))
    tensor([[[[-128.,  127.]]]])
    """

    values: Tensor
    """(256,) or (channels, 256)"""

    def __init__(
        self,
        values: Sequence[float] | Tensor,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
    ) -> None:
        super().__init__()
        given = torch.as_tensor(values, dtype=torch.float32).clone()
        if given.dim() not in (1, 2) or given.shape[-1] != MAX_PIXEL + 1:
            raise InputError(
                f"PixelTable needs values (256,) or (channels, 256), got {tuple(given.shape)}"
            )
        if not given.isfinite().all():
            raise InputError("PixelTable: every value must be finite")
        self.register_buffer("values", given)
        self.mean = _numbers(mean)
        self.std = _numbers(std)

    def forward(self, images: Tensor) -> Tensor:
        counts = {len(self.mean), len(self.std), len(self.values) if self.values.dim() == 2 else 1}
        if images.dim() != 4 or not counts <= {1, images.shape[1]}:
            channels = max(counts) if max(counts) > 1 else "channels"
            raise InputError(f"PixelTable expects (N, {channels}, H, W), got {tuple(images.shape)}")
        channels = images.shape[1]
        mean, std = (x * channels if len(x) == 1 else x for x in (self.mean, self.std))
        table = self.values.expand(channels, MAX_PIXEL + 1)
        return cast(Tensor, _pixel_table(images, table, mean, std))

    def extra_repr(self) -> str:
        return f"mean={self.mean}, std={self.std}"


def _numbers(given: float | Sequence[float]) -> tuple[float, ...]:
    return (float(given),) if isinstance(given, int | float) else tuple(map(float, given))
