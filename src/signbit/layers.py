"""BinaryConv2d and BinaryLinear: layers whose arithmetic is a dot product of signs.

Owns the named operations `signbit::binary_conv2d` and `signbit::binary_linear`, which
`torch.export` keeps, so that the compiler finds them in any network made of these layers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.binarizers.activations import ActivationBinarizer, PlainSignActivation
from signbit.binarizers.weights import BinaryWeight, PlainSign, WeightBinarizer
from signbit.errors import InputError
from signbit.estimators import Estimator
from signbit.ops.layer import SURROGATES
from signbit.ops.mean import shifted
from signbit.ops.sign_conv import sign_conv2d
from signbit.ops.switch import applies_to

__all__ = ["BinaryConv2d", "BinaryLinear", "binary_conv2d", "binary_linear"]

Pair = tuple[int, int]


def _conv_forward(
    signs: Tensor,
    weight_signs: Tensor,
    scale: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    # The scale multiplies the finished dot product, an exact integer: one rounding.
    dots = F.conv2d(signs, weight_signs, None, list(stride), list(padding), list(dilation), groups)
    return dots if scale is None else dots.mul_(scale.reshape(-1, 1, 1))


_binary_conv2d = torch.library.custom_op(
    "signbit::binary_conv2d",
    _conv_forward,
    mutates_args=(),
    schema="(Tensor signs, Tensor weight_signs, Tensor? scale, int[2] stride, int[2] padding,"
    " int[2] dilation, int groups) -> Tensor",
)
_binary_conv2d.register_fake(_conv_forward)


def _conv_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    signs, weight_signs, scale, ctx.stride, ctx.padding, ctx.dilation, ctx.groups = inputs
    ctx.save_for_backward(signs, weight_signs, scale)


def _conv_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    signs, weight_signs, scale = ctx.saved_tensors
    geometry = (ctx.stride, ctx.padding, ctx.dilation)
    grad_scale = None
    if scale is not None:
        if ctx.needs_input_grad[2]:
            # Recomputed, not kept: most binarizers detach their scale.
            dots = _conv_forward(signs, weight_signs, None, *geometry, ctx.groups)
            grad_scale = (grad * dots).sum((0, 2, 3))
        grad = grad * scale.reshape(-1, 1, 1)
    wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], False]
    grad_signs, grad_weight, _ = torch.ops.aten.convolution_backward(
        grad, signs, weight_signs, None, *geometry, False, [0, 0], ctx.groups, wanted
    )
    return grad_signs, grad_weight, grad_scale, None, None, None, None


_binary_conv2d.register_autograd(_conv_backward, setup_context=_conv_setup)


def _linear_forward(signs: Tensor, weight_signs: Tensor, scale: Tensor | None) -> Tensor:
    dots = F.linear(signs, weight_signs)
    return dots if scale is None else dots.mul_(scale)


_binary_linear = torch.library.custom_op(
    "signbit::binary_linear",
    _linear_forward,
    mutates_args=(),
    schema="(Tensor signs, Tensor weight_signs, Tensor? scale) -> Tensor",
)
_binary_linear.register_fake(_linear_forward)


def _linear_setup(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _linear_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    signs, weight_signs, scale = ctx.saved_tensors
    grad_signs = grad_weight = grad_scale = None
    if scale is not None:
        if ctx.needs_input_grad[2]:
            grad_scale = (grad * F.linear(signs, weight_signs)).flatten(0, -2).sum(0)
        grad = grad * scale
    if ctx.needs_input_grad[0]:
        grad_signs = grad @ weight_signs
    if ctx.needs_input_grad[1]:
        grad_weight = grad.flatten(0, -2).t() @ signs.flatten(0, -2)
    return grad_signs, grad_weight, grad_scale


_binary_linear.register_autograd(_linear_backward, setup_context=_linear_setup)

for _device in ("cpu", "cuda"):
    # Under autocast too: a dot product is an integer, and bfloat16 holds those only up to 256.
    _binary_conv2d.register_autocast(_device, torch.float32)
    _binary_linear.register_autocast(_device, torch.float32)


def binary_conv2d(
    signs: Tensor,
    weight: BinaryWeight,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Tensor:
    """scale[c] * conv2d(signs, weight.signs), zero padding (a tap outside the image adds nothing).

    signs (N, in, H, W) and weight.signs (out, in / groups, kh, kw) hold -1 and +1; result
    (N, out, H', W'). Differentiable in the signs, the weight's signs and its scale.
    """
    return cast(
        Tensor,
        _binary_conv2d(signs, weight.signs, weight.scale, stride, padding, dilation, groups),
    )


def binary_linear(signs: Tensor, weight: BinaryWeight) -> Tensor:
    """scale[c] * (signs @ weight.signs.T): (..., in) and (out, in) give (..., out)."""
    return cast(Tensor, _binary_linear(signs, weight.signs, weight.scale))


class BinaryConv2d(nn.Module):
    """A 2-D convolution of signs with signs; no bias (a normalisation follows).

    Input (N, in_channels, H, W), real; output (N, out_channels, H', W'), real:
    scale * conv2d(activation_binarizer(x), signs of weight). `weight` is the latent real weight
    that receives the updates, (out_channels, in_channels / groups, kh, kw), initially
    Kaiming-uniform as in `nn.Conv2d`. Binarizers default to plain signs with the clip estimator.
    Raises InputError for channels that do not divide by groups, and for a wrong input shape.

    >>> layer = BinaryConv2d(16, 32, 3, padding=1, weight_binarizer=MeanAbsScale())
    >>> layer(torch.randn(8, 16, 32, 32)).shape
    torch.Size([8, 32, 32, 32])
    """

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
        if min(in_channels, out_channels, groups) < 1:
            raise InputError(
                "BinaryConv2d needs in_channels, out_channels and groups >= 1, got "
                f"{in_channels}, {out_channels} and {groups}"
            )
        if in_channels % groups or out_channels % groups:
            raise InputError(
                f"BinaryConv2d: groups={groups} must divide in_channels={in_channels} and "
                f"out_channels={out_channels}"
            )
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = _pair("kernel_size", kernel_size, 1)
        self.stride = _pair("stride", stride, 1)
        self.padding = _pair("padding", padding, 0)
        self.dilation = _pair("dilation", dilation, 1)
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
                f"BinaryConv2d expects (N, {self.in_channels}, H, W), got {tuple(x.shape)}"
            )
        geometry = (self.stride, self.padding, self.dilation, self.groups)
        weight = self.weight_binarizer(self.weight)
        if applies_to(x) and self.is_native(x):
            x, shift = shifted(self.activation_binarizer, x)
            return sign_conv2d(x, shift, weight, self.activation_binarizer.estimator, *geometry)
        return binary_conv2d(self.activation_binarizer(x), weight, *geometry)

    def is_native(self, x: Tensor) -> bool:
        """Whether native operations know this layer's binarizers; gradients need training."""
        binarizer = self.activation_binarizer
        return (
            self.training
            and torch.is_grad_enabled()
            and type(binarizer).forward is ActivationBinarizer.forward
            and type(binarizer.estimator).__call__ is Estimator.__call__
            and binarizer.estimator.name in SURROGATES
        )

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"groups={self.groups}"
        )


class BinaryLinear(nn.Module):
    """A linear layer of signs with signs; no bias (a normalisation follows).

    Input (N, in_features), real; output (N, out_features), real. `weight` is the latent real
    weight (out_features, in_features). Binarizers and errors as in `BinaryConv2d`.

    >>> BinaryLinear(100, 10)(torch.randn(8, 100)).shape
    torch.Size([8, 10])
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
        if x.dim() != 2 or x.shape[1] != self.in_features:
            raise InputError(f"BinaryLinear expects (N, {self.in_features}), got {tuple(x.shape)}")
        return binary_linear(self.activation_binarizer(x), self.weight_binarizer(self.weight))

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}"


def _pair(name: str, value: int | Pair, least: int) -> Pair:
    pair = (value, value) if isinstance(value, int) else value
    if len(pair) != 2 or min(pair) < least:
        raise InputError(f"BinaryConv2d: {name} must be an int or a pair >= {least}, got {value}")
    return pair
