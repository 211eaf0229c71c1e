"""What is computed from all channels of one pixel: softmax and L2 normalisation.

PyTorch normalises in three operations: the length of a pixel's vector, its least value, and the
quotient. The first two are `HALVES`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signbit.compiler.ir import Node
from signbit.compiler.mapping.moves.over_views import is_moved, over_dimension
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS", "is_length", "longer", "normalised"]

_ANOTHER = "the engine knows the channels (dim=1) alone"


def _softmax(call: Call) -> Node:
    dim = call.arguments["dim"]
    if not is_moved(call, "self", dim):
        return call.add("softmax", call.as_real(call.with_channels("self", dim)))

    def shares(source: Node, _: npt.NDArray[np.intp]) -> Node:
        return call.add("softmax", call.as_real(source), part="shares", shape=source.shape)

    return over_dimension(call, "self", dim, shares)


def _log_softmax(call: Call) -> Node:
    raise call.refuse(
        "the engine knows no logarithm",
        "end in softmax, or leave it out (the order of the scores stays), and take the log of the "
        "engine's scores",
    )


def _vector_norm(call: Call) -> Node:
    order, dim = call.arguments["ord"], call.arguments["dim"]
    if order != 2:
        raise call.refuse(f"is a norm of order {order}", "the engine knows the length (p=2) alone")
    if not dim or not all(_is_over_channels(call, each) for each in dim):
        where = f"over the dimensions {list(dim)}" if dim else "over everything"
        raise call.refuse(f"is taken {where}", _ANOTHER)
    if not call.arguments["keepdim"]:
        raise call.refuse("drops the channels", "the engine needs keepdim=True: F.normalize(x)")
    return call.add("length", call.real("self"))


def _is_over_channels(call: Call, dim: int) -> bool:
    return call.axis(dim) == "C"


def is_length(call: Call, name: str) -> bool:
    """Whether an argument is the length of a vector."""
    return not call.is_constant(name) and call.raw(name).op == "length"


def longer(call: Call, name: str, least: npt.NDArray[np.float64]) -> Node:
    """A length, or `least`, one number, where it is smaller."""
    length = call.raw(name)
    if least.size != 1:
        raise call.refuse("bounds a vector's length by more than one number")
    epsilon = max(least.item(), length["epsilon"])
    source = call.tracer.graph[length.input]
    return call.add("length", source, epsilon=epsilon)


def normalised(call: Call) -> Node:
    """A value divided by the length of its own pixels' vectors."""
    source, length = call.real("self"), call.raw("other")
    if length.input != source.name:
        raise call.refuse("divides by the length of another value")
    return call.add("l2_normalise", source, epsilon=np.array([length["epsilon"]], np.float64))


MAPPINGS = {
    "aten._log_softmax.default": _log_softmax,
    "aten._softmax.default": _softmax,
    "aten.linalg_vector_norm.default": _vector_norm,
    "aten.log_softmax.int": _log_softmax,
    "aten.softmax.int": _softmax,
}
