"""BinaryConv2d, BinaryConv1d and BinaryLinear: layers whose arithmetic is a dot product of signs.

They put a binarized activation and a binarized weight together; `functional` computes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.fast.layer import SignConvSettings
from signbit.fast.sign_conv import sign_conv2d
from signbit.fast.window_means import times_map, with_window_means
from signbit.nn import select
from signbit.nn.binarizers.activations import (
    ActivationBinarizer,
    AdaptiveActivation,
    BinaryActivation,
    MeanAbsMap,
    PlainSignActivation,
)
from signbit.nn.binarizers.weights import BinaryWeight, PlainSign, WeightBinarizer
from signbit.nn.choices import takes
from signbit.nn.functional import Pair, binary_conv2d, binary_linear
from signbit.nn.shifts import sign_argument

__all__ = ["BinaryConv1d", "BinaryConv2d", "BinaryLinear", "binary_conv2d", "binary_linear"]


class BinaryConv2d(nn.Module):
    """A 2-D convolution of signs with signs; no bias (a normalisation follows).

    Input (N, in_channels, H, W), real; output (N, out_channels, H', W'), real: the convolution of
    activation_binarizer(x) with weight_binarizer(weight), zeros around the binarized input, and
    times its magnitudes where it has some. `weight` is the latent real weight
    that receives the updates, (out_channels, in_channels / groups, kh, kw), initially
    Kaiming-uniform as in `nn.Conv2d`. Binarizers default to plain signs with the clip estimator.
    Raises InputError for channels that do not divide by groups, and for a wrong input shape.

    >>> layer = BinaryConv2d(16, 32, 3, padding=1, weight_binarizer=MeanAbsScale())
    >>> layer(torch.randn(8, 16, 32, 32)).shape
    torch.Size([8, 32, 32, 32])
    """

    is_transposed = False
    """Whether filters yield squares of pixels, which native operations have not."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        *,
        weight_binarizer: WeightBinarizer | None = None,
        activation_binarizer: ActivationBinarizer | None = None,
    ) -> None:
        kind = type(self).__name__
        if min(in_channels, out_channels, groups) < 1:
            raise InputError(
                f"{kind} needs in_channels, out_channels and groups >= 1, got "
                f"{in_channels}, {out_channels} and {groups}"
            )
        if in_channels % groups or out_channels % groups:
            raise InputError(
                f"{kind}: groups={groups} must divide in_channels={in_channels} and "
                f"out_channels={out_channels}"
            )
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair("kernel_size", kernel_size, 1)
        self.stride = pair("stride", stride, 1)
        self.padding = pair("padding", padding, 0)
        self.dilation = pair("dilation", dilation, 1)
        self.groups = groups
        self.activation_binarizer = activation_binarizer or PlainSignActivation()
        self.weight_binarizer = weight_binarizer or PlainSign()
        self.weight = nn.Parameter(
            torch.empty(out_channels, in_channels // groups, *self.kernel_size)
        )
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 4 or x.shape[1] != self.in_channels:
            raise InputError(
                f"{type(self).__name__} expects (N, {self.in_channels}, H, W), got {tuple(x.shape)}"
            )
        return self.convolve(x, self.weight_binarizer(self.weight))

    def convolve(self, x: Tensor, weight: BinaryWeight) -> Tensor:
        """What forward returns, of a weight that is binarized already."""
        if takes(self, "sign_conv2d", select.sign_conv(self, weight, x)):
            return self._native(x, weight)
        activation: BinaryActivation = self.activation_binarizer(x)
        geometry = (self.stride, self.padding, self.dilation, self.groups)
        y = products(
            activation,
            weight,
            lambda signs, w, d: binary_conv2d(signs, w, *geometry, input_offset=d),
        )
        if activation.magnitudes is None:
            return y
        box = self.weight.new_full((1, 1, *self.kernel_size), 1 / math.prod(self.kernel_size))
        return y * self._conv(activation.magnitudes, box, 1)

    def _conv(self, x: Tensor, weight: Tensor, groups: int) -> Tensor:
        """A convolution of reals with this one's geometry."""
        return F.conv2d(x, weight, None, self.stride, self.padding, self.dilation, groups)

    def _native(self, x: Tensor, weight: BinaryWeight) -> Tensor:
        """What `convolve` returns, by native ops."""
        binarizer, input_offset = self.activation_binarizer, None
        geometry = (self.stride, self.padding, self.dilation)
        if isinstance(binarizer, AdaptiveActivation):
            weight = times(binarizer.alpha, weight)
            input_offset = binarizer.beta
        estimator = binarizer.estimator
        settings = SignConvSettings(estimator.name, estimator.parameters, *geometry, self.groups)
        means: Tensor | None = None
        if isinstance(binarizer, MeanAbsMap):
            x, means = with_window_means(x, self.kernel_size, geometry)
        y = sign_conv2d(*sign_argument(binarizer, x), weight, input_offset, settings)
        return y if means is None else times_map(y, means)

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"groups={self.groups}"
        )


class BinaryConv1d(BinaryConv2d):
    """A 1-D convolution of signs with signs; no bias (a normalisation follows).

    Input (N, in_channels, L), real; output (N, out_channels, L'), real. It is a `BinaryConv2d` of
    maps of one row, and so is its latent `weight`, (out_channels, in_channels / groups, 1, k).
    Binarizers and errors as there.

    >>> BinaryConv1d(16, 32, 5, stride=2, padding=2)(torch.randn(8, 16, 100)).shape
    torch.Size([8, 32, 50])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        *,
        weight_binarizer: WeightBinarizer | None = None,
        activation_binarizer: ActivationBinarizer | None = None,
    ) -> None:
        super().__init__(
            *(in_channels, out_channels, (1, kernel_size), (1, stride), (0, padding)),
            *((1, dilation), groups),
            weight_binarizer=weight_binarizer,
            activation_binarizer=activation_binarizer,
        )

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 3 or x.shape[1] != self.in_channels:
            raise InputError(
                f"BinaryConv1d expects (N, {self.in_channels}, L), got {tuple(x.shape)}"
            )
        return super().forward(x.unsqueeze(2)).squeeze(2)


class BinaryLinear(nn.Module):
    """A linear layer of signs with signs; no bias (a normalisation follows).

    Input (N, in_features), (N, tokens, in_features) or (N, H, W, in_features), real; output the
    same with out_features, real. `weight` is the latent real weight (out_features, in_features).
    Tokens are binarized as the pixels of a map are: what a binarizer has for each channel, it has
    for each feature. Binarizers and errors as in `BinaryConv2d`.

    >>> BinaryLinear(100, 10)(torch.randn(8, 100)).shape
    torch.Size([8, 10])
    >>> BinaryLinear(100, 10)(torch.randn(8, 7, 100)).shape
    torch.Size([8, 7, 10])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        weight_binarizer: WeightBinarizer | None = None,
        activation_binarizer: ActivationBinarizer | None = None,
    ) -> None:
        if min(in_features, out_features) < 1:
            raise InputError(
                "BinaryLinear needs in_features and out_features >= 1, got "
                f"{in_features} and {out_features}"
            )
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.activation_binarizer = activation_binarizer or PlainSignActivation()
        self.weight_binarizer = weight_binarizer or PlainSign()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() not in (2, 3, 4) or x.shape[-1] != self.in_features:
            raise InputError(
                f"BinaryLinear expects (N, tokens, {self.in_features}), (N, H, W, "
                f"{self.in_features}) or (N, {self.in_features}), got {tuple(x.shape)}"
            )
        weight = self.weight_binarizer(self.weight)
        if x.dim() > 2:
            return self._of_tokens(x, weight)
        if takes(self, "sign_conv2d", select.sign_linear(self, weight, x)):
            # A convolution of images of one pixel.
            argument = sign_argument(self.activation_binarizer, x[:, :, None, None])
            estimator = self.activation_binarizer.estimator
            settings = SignConvSettings(
                estimator.name, estimator.parameters, (1, 1), (0, 0), (1, 1), 1
            )
            filters = weight._replace(signs=weight.signs[:, :, None, None])
            return sign_conv2d(*argument, filters, None, settings).flatten(1)
        activation: BinaryActivation = self.activation_binarizer(x)
        y = products(
            activation, weight, lambda signs, w, d: binary_linear(signs, w, input_offset=d)
        )
        return y if activation.magnitudes is None else y * activation.magnitudes

    def _of_tokens(self, x: Tensor, weight: BinaryWeight) -> Tensor:
        """As of a map, (N, features, H, W), by a convolution of single pixels."""
        maps = x.permute(0, 3, 1, 2) if x.dim() == 4 else x.transpose(1, 2).unsqueeze(2)
        activation: BinaryActivation = self.activation_binarizer(maps)
        filters = weight._replace(signs=weight.signs[:, :, None, None])
        y = products(
            activation, filters, lambda signs, w, d: binary_conv2d(signs, w, input_offset=d)
        )
        y = y if activation.magnitudes is None else y * activation.magnitudes
        return y.permute(0, 2, 3, 1) if x.dim() == 4 else y.squeeze(2).transpose(1, 2)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}"


def products(
    activation: BinaryActivation,
    weight: BinaryWeight,
    product: Callable[[Tensor, BinaryWeight, Tensor | None], Tensor],
) -> Tensor:
    """The sum of product(signs, weight, offset) over all signs that the activation consists of."""
    y = product(activation.signs, times(activation.scale, weight), activation.offset)
    for signs, scale in activation.more:
        y = y + product(signs, times(scale, weight), None)
    return y


def times(factor: Tensor | None, weight: BinaryWeight) -> BinaryWeight:
    """The weight times what the activation is scaled by, one value or none."""
    if factor is None:
        return weight
    scale = factor.expand(len(weight.signs)) if weight.scale is None else factor * weight.scale
    return BinaryWeight(
        weight.signs, scale, None if weight.offset is None else factor * weight.offset
    )


def pair(name: str, value: int | Pair, least: int) -> Pair:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or min(pair) < least:
        raise InputError(f"BinaryConv2d: {name} must be an int or a pair >= {least}, got {value}")
    return pair
