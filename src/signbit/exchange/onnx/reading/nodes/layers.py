"""Convolutions, matrix products and normalisations.

Weights are binary where every filter is −a and +a, whoever wrote them so: the layer then is one of
signs, and a is what multiplies its result. So they are where a number is added to each filter of
quantised ones. The layer binarizes its input itself where that has few levels. Zeros around a map
count nothing in either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.file import Array
from signbit.exchange.onnx.reading.nodes.windows import both_sides, padded, sides_of
from signbit.exchange.onnx.reading.values import Const, Levels, Real, Value

__all__ = ["NODES"]


@dataclass(frozen=True)
class _Weight:
    """The weights of a layer, filters first."""

    array: Array
    scale: Array | None
    """(out,): what the signs are multiplied with; None where the weights are no signs."""
    offset: Array | None = None
    """(out,): what is added to the signs so multiplied, if anything."""


def _weight(const: Const, of_reals: bool, filters_last: bool = False) -> _Weight:
    """of_reals: whether they meet reals. filters_last: of a matrix (in, out), as MatMul has it."""
    if const.moved is not None and not filters_last:
        quantised, offset = const.moved
        found = _weight(quantised, of_reals)
        if found.scale is not None:
            return replace(found, offset=offset)
    array = const.array.astype(np.float32)
    latent = None if const.latent is None else const.latent.astype(np.float32)
    if filters_last:
        array, latent = array.T, None if latent is None else latent.T
    if of_reals and latent is None and (array > 0).all():
        return _Weight(array, None)  # sums and means of reals
    filters = np.abs(array.reshape(len(array), -1))
    scale = filters[:, :1]
    if not filters.size or not (scale > 0).all() or not (filters == scale).all():
        return _Weight(array, None)
    if latent is None and filters.shape[1] == 1 and not (scale == 1).all():
        return _Weight(array, None)
    signs = np.where(array < 0, np.float32(-1), np.float32(1))
    is_same = latent is not None and np.array_equal(latent < 0, signs < 0)
    return _Weight(latent if is_same and latent is not None else signs, scale[:, 0])


def _const(call: Call, place: int, what: str) -> Const:
    call.constant(place, what)
    const = call.value(place)
    assert isinstance(const, Const)
    return const


def _conv(call: Call) -> Value:
    given = call.value(0)
    assert not isinstance(given, Const)
    weight = _weight(_const(call, 1, "weights"), isinstance(given, Real))
    if weight.array.ndim != 4 or len(given.shape) != 4:
        call.refuse(f"has weights of {weight.array.ndim} dims", "convolutions of maps are read")
    kernel = weight.array.shape[2:]
    groups = int(call.attribute("group", 1))
    args: dict[str, Any] = {
        "in_channels": given.shape[1],
        "out_channels": len(weight.array),
        "kernel_size": list(kernel),
        "stride": list(call.pairs("strides", (1, 1))),
        "dilation": list(call.pairs("dilations", (1, 1))),
        "groups": groups,
    }
    if given.shape[1] != weight.array.shape[1] * groups:
        call.refuse(f"has weights {weight.array.shape} for a map of {given.shape[1]} channels")
    sides = sides_of(call, given.shape[2:], kernel, args["stride"], args["dilation"])
    padding = both_sides(sides)
    bias = call.constant(2, "bias").reshape(-1) if call.has(2) else None
    if weight.scale is None:
        source = call.builder.real(given)
        if padding is None:
            source, padding = padded(call, source, sides), (0, 0)
        tensors = {"weight": weight.array} | ({} if bias is None else {"bias": bias})
        args |= {"padding": list(padding), "bias": bias is not None}
        return call.emit("conv2d", source, args=args, tensors=tensors)
    spec, tensors, factor, source = _binarized(call, given, padding is not None, 1)
    if padding is None:
        source, padding = padded(call, source, sides), (0, 0)
    args |= {"padding": list(padding), "activation": spec}
    return _of_signs(call, "binary_conv2d", source, weight, factor, args, tensors, bias)


def _binarized(
    call: Call, given: Real | Levels, itself: bool, axis: int
) -> tuple[Any, dict[str, Array], float, Real]:
    """How a layer binarizes its input of channels at `axis`; its tensors, a factor, what it reads.

    itself: whether it may, which it may not where zeros are put between its signs and itself.
    """
    channels = given.shape[axis]
    if isinstance(given, Levels) and given.thresholds.shape[1] in (
        1,
        *[channels][: given.axis == axis],
    ):
        if itself:
            return *call.builder.binarizer(given, channels), given.source
        unscaled = Levels(
            given.source, given.thresholds, given.weights, given.offset, 1.0, given.axis
        )
        return "real", {}, given.scale, call.builder.real(unscaled)
    return "real", {}, 1.0, call.builder.real(given)


def _of_signs(
    call: Call,
    op: str,
    source: Real,
    weight: _Weight,
    factor: float,
    args: dict[str, Any],
    tensors: dict[str, Array],
    bias: Array | None,
    last: bool = False,
) -> Real:
    """A binary layer, its result times factor and plus the bias."""
    assert weight.scale is not None
    tensors = {"weight": weight.array, **tensors}
    scale = weight.scale * np.float32(factor)
    if weight.offset is not None:
        both = {"scale": scale, "offset": weight.offset * np.float32(factor)}
        tensors |= {f"weight_binarizer.{name}": each for name, each in both.items()}
        args, scale = {**args, "weight": "moved"}, np.ones_like(scale)
    dots = call.emit(op, source, args=args, tensors=tensors)
    return _affine(call, dots, scale, bias, last=last)


def _affine(call: Call, dots: Real, scale: Array, shift: Array | None, *, last: bool) -> Real:
    """scale · dots + shift for each filter, where they are not 1 and 0."""
    tensors = {} if (scale == 1).all() else {"scale": scale}
    tensors |= {} if shift is None or not shift.any() else {"shift": shift}
    if not tensors:
        return dots
    args = {"channels": len(scale), "last": last, **{key: key in tensors for key in _BOTH}}
    shaped = {key: np.broadcast_to(each, len(scale)) for key, each in tensors.items()}
    return call.emit("affine", dots, args=args, tensors=shaped)


_BOTH = ("scale", "shift")


def _product(
    call: Call, const: Const, filters_last: bool, bias: Array | None, alpha: float
) -> Value:
    """Of rows of features, the last dimension, with a matrix."""
    given = call.value(0)
    assert not isinstance(given, Const)
    weight = _weight(const, isinstance(given, Real), filters_last)
    rank = len(given.shape)
    if weight.array.ndim != 2 or rank not in (2, 3, 4) or weight.array.shape[1] != given.shape[-1]:
        call.refuse(f"multiplies values of {given.shape} with a matrix of {const.array.shape}")
    sizes = {"in_features": given.shape[-1], "out_features": len(weight.array)}
    if weight.scale is None:
        tensors = {"weight": weight.array * np.float32(alpha)}
        tensors |= {} if bias is None else {"bias": bias}
        args = {**sizes, "bias": bias is not None}
        return call.emit("linear", call.builder.real(given), args=args, tensors=tensors)
    spec, tensors, factor, source = _binarized(call, given, True, rank - 1)
    args = {**sizes, "activation": spec}
    factor *= alpha
    last = rank > 2
    return _of_signs(call, "binary_linear", source, weight, factor, args, tensors, bias, last)


def _matmul(call: Call) -> Value:
    if isinstance(call.value(1), Const):
        const = _const(call, 1, "matrix")
        if const.array.ndim != 2:
            call.refuse(f"multiplies with a constant of shape {const.array.shape}")
        return _product(call, const, True, None, 1.0)
    if isinstance(call.value(0), Const):
        call.refuse("multiplies a constant with values, from the left", "transpose both")
    first, second = call.real(0), call.real(1)
    if len(first.shape) != len(second.shape) or len(first.shape) < 3:
        call.refuse(f"multiplies values of {first.shape} and {second.shape}")
    return call.emit("matmul", first, second)


def _gemm(call: Call) -> Value:
    if call.attribute("transA", 0) or len(call.value(0).shape) != 2:
        call.refuse("transposes its input, or has one of more than two dims")
    const = _const(call, 1, "matrix")
    bias = None
    if call.has(2):
        bias = call.constant(2, "bias").astype(np.float32) * np.float32(call.attribute("beta", 1.0))
        count = const.array.shape[0 if call.attribute("transB", 0) else 1]
        if bias.size not in (1, count):
            call.refuse(f"has a bias of shape {bias.shape} for {count} features")
        bias = np.broadcast_to(bias.reshape(-1), count)
    is_last = not call.attribute("transB", 0)
    return _product(call, const, is_last, bias, float(call.attribute("alpha", 1.0)))


_STATISTICS = ("weight", "bias", "running_mean", "running_var")


def _batch_norm(call: Call) -> Value:
    if call.attribute("training_mode", 0) or len(call.node.outputs) > 1:
        call.refuse("is in training mode", "export the network in evaluation mode")
    real = call.real()
    arrays = [call.constant(place, name) for place, name in enumerate(_STATISTICS, 1)]
    if len(real.shape) not in (2, 3, 4) or any(each.shape != real.shape[1:2] for each in arrays):
        call.refuse(f"has parameters of {arrays[0].shape} for values of {real.shape}")
    args = {
        "channels": real.shape[1],
        "dims": len(real.shape),
        "eps": float(call.attribute("epsilon", 1e-5)),
    }
    tensors = dict(zip(_STATISTICS, arrays, strict=True))
    return call.emit("batch_norm", real, args=args, tensors=tensors)


NODES: dict[str, Callable[[Call], Value]] = {
    "BatchNormalization": _batch_norm,
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
