"""When the native convolution of signs may stand in for a binary layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from torch import Tensor, nn

from signbit.errors import InputError, ModelFileError
from signbit.fast.layer import SURROGATES
from signbit.fast.sign_conv import are_signs, sign_conv_plan
from signbit.nn.binarizers.activations import ActivationBinarizer, AdaptiveActivation, MeanAbsMap
from signbit.nn.binarizers.weights import BinaryWeight
from signbit.nn.estimators import Estimator
from signbit.nn.select.context import Reason, context, evaluation, plain_tensor
from signbit.nn.select.modules import altered

__all__ = ["binary_weight", "geometry", "out_size", "plain_activation", "sign_conv", "sign_linear"]

_Pair = tuple[int, int]

_Forwards = tuple[Callable[..., Any], ...]

_MIN_GROUP = 4
"""Below so many channels per group PyTorch's convolution is faster: a word per tap is too much."""


def sign_conv(layer: Any, weight: BinaryWeight | None, x: Tensor | None) -> Reason:
    """Why the op may not stand in for `layer`, a BinaryConv2d.

    weight: as it was binarized; x: (N, in, H, W). Without them, only what holds for any weight and
    any input is asked.
    """
    return (
        ("transposed convolutions are PyTorch's" if layer.is_transposed else None)
        or (None if x is None else context(x))
        or evaluation(layer, x)
        or _activation(layer.activation_binarizer, _CONVOLVED)
        or _groups(layer)
        or (None if weight is None else _convolved_weight(layer, weight))
        or (None if x is None else geometry(layer, x))
    )


def sign_linear(layer: Any, weight: BinaryWeight | None, x: Tensor | None) -> Reason:
    """As `sign_conv`, for a BinaryLinear and x (N, in)."""
    return (
        (None if x is None else context(x))
        or (None if layer.training else "evaluation of a linear layer is PyTorch's")
        or ("the batch is empty" if x is not None and len(x) == 0 else None)
        or plain_activation(layer.activation_binarizer)
        or (None if weight is None else binary_weight(layer.weight, weight))
    )


_PLAIN: _Forwards = (ActivationBinarizer.forward,)
_CONVOLVED: _Forwards = (*_PLAIN, AdaptiveActivation.forward, MeanAbsMap.forward)
"""What binarizers do that ops know, as signbit wrote it."""


def plain_activation(binarizer: nn.Module) -> Reason:
    """Signs of x plus a shift of its own, and nothing else."""
    return _activation(binarizer, _PLAIN)


def _activation(binarizer: nn.Module, known: _Forwards) -> Reason:
    """Signs as one of the `known` forwards takes them, with gradients that the kernels know."""
    name = type(binarizer).__name__
    if not isinstance(binarizer, ActivationBinarizer):
        return f"{name} is no ActivationBinarizer"
    forward = type(binarizer).forward
    reason = altered(binarizer, forward if forward in known else ActivationBinarizer.forward)
    if reason is not None:
        return reason
    estimator = binarizer.estimator
    if not isinstance(estimator, Estimator) or type(estimator).__call__ is not Estimator.__call__:
        return f"{name}'s estimator takes signs in its own way"
    if estimator.name not in SURROGATES:
        return f"the kernels do not know the estimator {estimator.name!r}"
    return None


def _groups(layer: Any) -> Reason:
    if layer.groups in (1, layer.in_channels) and layer.groups in (1, layer.out_channels):
        return None  # depthwise ones have kernels of their own
    if layer.in_channels // layer.groups < _MIN_GROUP:
        return f"groups of fewer than {_MIN_GROUP} channels are faster on PyTorch's convolution"
    return None


def _convolved_weight(layer: Any, weight: BinaryWeight) -> Reason:
    """As `binary_weight`, but there may be an offset for each filter."""
    if weight.offset is not None:
        if layer.groups > 1:
            return "its weight has an offset, and it has groups"
        if weight.offset.shape != (len(layer.weight),):
            return "its weight's offset is not one value per filter"
        reason = plain_tensor("its weight's offset", weight.offset)
        if reason is not None:
            return reason
    return binary_weight(layer.weight, weight._replace(offset=None))


def binary_weight(latent: Tensor, weight: BinaryWeight) -> Reason:
    """What the binarizer returned, whatever its class: ±1 and perhaps a scale for each filter."""
    signs, scale, offset = weight
    if offset is not None:
        return "its weight has an offset"
    reason = plain_tensor("its weight", signs)
    if reason is not None:
        return reason
    if signs.shape != latent.shape:
        return "its binarized weight has another shape than the latent one"
    if scale is not None:
        reason = plain_tensor("its weight's scale", scale)
        if reason is not None:
            return reason
        if scale.shape != (len(signs),):
            return "its weight's scale is not one value per filter"
    return None if are_signs(signs) else "its binarized weight holds values other than -1 and +1"


def geometry(layer: Any, x: Tensor) -> Reason:
    """Whether the kernels have a plan for it; what fits nowhere is PyTorch's to refuse."""
    if 0 in x.shape:
        return "its input is empty"
    if min(out_size(layer, x)) < 1:
        return "its kernel does not fit into the input"
    return _plan(x.shape[1:], layer.out_channels, _window(layer), layer.groups)


_Window = tuple[_Pair, _Pair, _Pair, _Pair]
"""Kernel, stride, padding, dilation."""


def _window(layer: Any) -> _Window:
    return layer.kernel_size, layer.stride, layer.padding, layer.dilation


@lru_cache(maxsize=256)
def _plan(image: tuple[int, int, int], out: int, window: _Window, groups: int) -> Reason:
    channels, *size = image
    kernel, *geometry = window
    try:
        sign_conv_plan((size[0], size[1]), (channels, out), kernel, *geometry, groups)
    except (InputError, ModelFileError) as error:
        return f"the kernels refuse its size: {error}"
    return None


def out_size(layer: Any, x: Tensor) -> _Pair:
    return _outputs(x.shape[2:], _window(layer))


@lru_cache(maxsize=256)
def _outputs(size: _Pair, window: _Window) -> _Pair:
    height, width = (
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        for size, kernel, stride, padding, dilation in zip(size, *window, strict=True)
    )
    return height, width
