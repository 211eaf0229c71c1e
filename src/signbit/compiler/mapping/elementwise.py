"""Operations on each element: signs, normalisation, non-linearities, per-channel maths, additions.

Each becomes one stage of an epilogue that stands alone for now (a `pointwise` node).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signbit.compiler.ir import Node, NormParameters, Shape, Shortcut
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS", "affine", "per_channel", "size_of"]

Vector = npt.NDArray[np.float64]


def _sign(call: Call) -> str:
    source = call.value("x")
    if source.is_sign:
        return source.name
    return call.add("sign", source, is_sign=True, signed=source.origin.export)


def _torch_sign(call: Call) -> str:
    raise call.refuse("yields 0 for 0, which is no sign; use signbit's sign, which yields +1")


def _scale_gradient(call: Call) -> str:
    return call.value("x").name


def _batch_norm(call: Call) -> str:
    mean, variance = call.constant("running_mean"), call.constant("running_var")
    weight, bias = call.optional_constant("weight"), call.optional_constant("bias")
    norm = NormParameters(
        weight=np.ones_like(mean) if weight is None else weight,
        bias=np.zeros_like(mean) if bias is None else bias,
        mean=mean,
        variance=variance,
        epsilon=call.arguments["eps"],
    )
    origin = call.origin._replace(target="aten.batch_norm")
    return call.add("batch_norm", call.real("input"), norm=norm, origin=origin)


def _batch_norm_training(call: Call) -> str:
    raise call.refuse(
        "normalises with the statistics of the batch; the engine needs running statistics "
        "(track_running_stats=True) and evaluation mode"
    )


def _relu(call: Call) -> str:
    return call.add("pointwise", call.real("self"), activation="relu")


def _hardtanh(call: Call) -> str:
    return _clipped(call, call.arguments["min_val"], call.arguments["max_val"])


def _clamp(call: Call) -> str:
    return _clipped(call, call.arguments["min"], call.arguments["max"])


def _clipped(call: Call, low: float | None, high: float | None) -> str:
    if (low, high) == (-1, 1):
        return call.add("pointwise", call.real("self"), activation="hardtanh")
    if (low, high) == (0, None):
        return _relu(call)
    raise call.refuse(
        f"clips to [{low}, {high}]; the engine knows [−1, 1] (hardtanh) and [0, ∞] (relu)"
    )


def _sigmoid(call: Call) -> str:
    return call.add("pointwise", call.real("self"), activation="sigmoid")


def _prelu(call: Call) -> str:
    source = call.real("self")
    slope = np.broadcast_to(call.constant("weight"), (source.shape.channels,))
    return call.add("pointwise", source, activation="prelu", slope=slope)


def _leaky_relu(call: Call) -> str:
    source = call.real("self")
    slope = np.full(source.shape.channels, call.arguments["negative_slope"], np.float64)
    return call.add("pointwise", source, activation="prelu", slope=slope)


def _add(call: Call) -> str:
    alpha = call.arguments["alpha"]
    if call.is_constant("other"):
        return affine(call, "self", 1, alpha * call.constant("other"))
    if call.is_constant("self") and alpha == 1:
        return affine(call, "other", 1, call.constant("self"))
    if alpha != 1:
        raise call.refuse(f"adds {alpha} times a tensor; multiply first")
    left, right = call.real("self"), call.real("other")
    if left.shape == right.shape:
        return call.add("pointwise", left, shortcut=Shortcut(right.name))
    if left.shape[:2] == (1, 1):
        left, right = right, left
    if right.shape != Shape(1, 1, left.shape.channels) or call.shape() != left.shape:
        raise call.refuse(
            f"adds {size_of(right)} to {size_of(left)}; sizes must be equal, or one side one value "
            "a channel"
        )
    return call.add("pointwise", left, shortcut=Shortcut(right.name, stride=(0, 0)))


def _subtract(call: Call) -> str:
    alpha = call.arguments["alpha"]
    if call.is_constant("other"):
        return affine(call, "self", 1, -alpha * call.constant("other"))
    if call.is_constant("self"):
        return affine(call, "other", -alpha, call.constant("self"))
    raise call.refuse("subtracts two values that depend on the image; the engine only adds them")


def _subtract_from(call: Call) -> str:
    return affine(call, "self", -call.arguments["alpha"], call.constant("other"))


def _divide(call: Call) -> str:
    if not call.is_constant("other"):
        raise call.refuse("divides by a value that depends on the image")
    divisor = call.constant("other")
    if not divisor.all():
        raise call.refuse("divides by zero")
    return affine(call, "self", 1 / divisor, 0)


def _negate(call: Call) -> str:
    return affine(call, "self", -1, 0)


def affine(call: Call, name: str, scale: Vector | float, shift: Vector | float) -> str:
    """scale·x + shift of the argument `name`; constants that broadcast to one a channel."""
    source = call.real(name)
    if call.sizes() != call.sizes(name):
        raise call.refuse(
            f"changes the size from {call.sizes(name)} to {call.sizes()} for each image"
        )
    return call.add(
        "pointwise",
        source,
        scale=per_channel(call, scale, len(call.sizes()), source.shape),
        shift=per_channel(call, shift, len(call.sizes()), source.shape),
    )


def per_channel(call: Call, value: Vector | float, dimensions: int, shape: Shape) -> Vector:
    """A constant that broadcasts against (N, C) or (N, C, H, W), as one number a channel."""
    array = np.asarray(value, np.float64)
    full = array.reshape((1,) * (dimensions + 1 - array.ndim) + array.shape)
    if full.size != full.shape[1]:
        raise call.refuse(
            f"combines with a constant of shape {array.shape}; "
            "the engine knows one number a channel"
        )
    return np.broadcast_to(full.reshape(-1), (shape.channels,))


def size_of(node: Node) -> str:
    """Of a value, in words."""
    return f"{node.shape.height}×{node.shape.width}×{node.shape.channels}"


MAPPINGS = {
    "signbit.sign.default": _sign,
    "signbit.scale_gradient.default": _scale_gradient,
    "aten.sign.default": _torch_sign,
    "aten.sgn.default": _torch_sign,
    "aten._native_batch_norm_legit_no_training.default": _batch_norm,
    "aten._native_batch_norm_legit_functional.default": _batch_norm_training,
    "aten._native_batch_norm_legit.no_stats": _batch_norm_training,
    "aten.relu.default": _relu,
    "aten.hardtanh.default": _hardtanh,
    "aten.clamp.default": _clamp,
    "aten.sigmoid.default": _sigmoid,
    "aten.prelu.default": _prelu,
    "aten.leaky_relu.default": _leaky_relu,
    "aten.add.Tensor": _add,
    "aten.sub.Tensor": _subtract,
    "aten.rsub.Scalar": _subtract_from,
    "aten.div.Tensor": _divide,
    "aten.neg.default": _negate,
}
