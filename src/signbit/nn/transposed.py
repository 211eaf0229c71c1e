"""BinaryConvTranspose2d: filters of signs that yield squares of pixels, a U-Net's way up."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from signbit.errors import InputError
from signbit.nn import select
from signbit.nn.binarizers.activations import ActivationBinarizer, BinaryActivation
from signbit.nn.binarizers.weights import BinaryWeight, WeightBinarizer
from signbit.nn.choices import takes
from signbit.nn.functional import Pair, binary_conv_transpose2d
from signbit.nn.layers import BinaryConv2d, pair, products

__all__ = ["BinaryConvTranspose2d"]


class BinaryConvTranspose2d(BinaryConv2d):
    """A transposed 2-D convolution of signs with signs; no bias (a normalisation follows).

    Input (N, in_channels, H, W), real; output (N, out_channels, H', W'), real, with
    H' = (H - 1) stride - 2 padding + kernel_size + output_padding, as of `nn.ConvTranspose2d`, of
    activation_binarizer(x) and weight_binarizer(weight). A pixel of the output adds up the taps
    that lie inside the image, about 1 in stride² of a filter's; the mean of magnitudes (XNOR-Net's
    K) divides by as many. `weight` is the latent weight, (out_channels, in_channels / groups, kh,
    kw): filters come first, as binarizers scale filters. Binarizers as in `BinaryConv2d`.

    What compiles has one stride for both directions, which divides H' and W'.
    Raises InputError as `BinaryConv2d`, for a kernel smaller than the stride, whose result would
    have holes, and for an output_padding that is not less than the stride.

    >>> BinaryConvTranspose2d(16, 8, 4, stride=2, padding=1)(torch.randn(8, 16, 5, 7)).shape
    torch.Size([8, 8, 10, 14])
    """

    is_transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        output_padding: int | Pair = 0,
        groups: int = 1,
        *,
        weight_binarizer: WeightBinarizer | None = None,
        activation_binarizer: ActivationBinarizer | None = None,
    ) -> None:
        super().__init__(
            *(in_channels, out_channels, kernel_size, stride, padding, 1, groups),
            weight_binarizer=weight_binarizer,
            activation_binarizer=activation_binarizer,
        )
        self.output_padding = pair("output_padding", output_padding, 0)
        for kernel, step, extra in zip(
            self.kernel_size, self.stride, self.output_padding, strict=True
        ):
            if kernel < step:
                raise InputError(
                    f"BinaryConvTranspose2d: kernel_size={kernel} is smaller than stride={step}, "
                    "which leaves holes"
                )
            if extra >= step:
                raise InputError(
                    f"BinaryConvTranspose2d: output_padding={extra} must be less than stride={step}"
                )

    def convolve(self, x: Tensor, weight: BinaryWeight) -> Tensor:
        """What forward returns, of a weight that is binarized already."""
        # No native op does it; this notes the reason for `signbit.nn.why`.
        takes(self, "sign_conv2d", select.sign_conv(self, weight, x))
        activation: BinaryActivation = self.activation_binarizer(x)
        geometry = (self.stride, self.padding, self.output_padding)
        y = products(
            activation,
            weight,
            lambda signs, w, offset: binary_conv_transpose2d(
                *(signs, w, *geometry, self.groups), input_offset=offset
            ),
        )
        if activation.magnitudes is None:
            return y
        taps = math.prod(self.kernel_size) / math.prod(self.stride)
        box = self.weight.new_full((1, 1, *self.kernel_size), 1 / taps)
        return y * F.conv_transpose2d(activation.magnitudes, box, None, *geometry)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, output_padding={self.output_padding}"
