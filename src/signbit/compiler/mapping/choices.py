"""One of two constants of a channel, by a comparison, until something reads the values.

A comparison with a constant is such a choice, of True and False, and so is what functions of single
values make of it: `torch.where`, `(x > t) * 2 - 1`, `.float()`. PyTorch's own operation computes
both constants. A choice of −1 and +1 becomes a sign, any other one reals that a sign chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.fx import Node as FxNode

from signbit.compiler.axes import order_of
from signbit.compiler.ir import Graph, Node, Step, refuse, same

if TYPE_CHECKING:
    from signbit.compiler.mapping.tracer import Call, Tracer

__all__ = ["chosen", "is_pointwise", "realised"]

_CASTS = {
    *("aten._to_copy.default", "aten.to.dtype", "aten.to.dtype_layout"),
    *("aten.to.other", "aten.type_as.default"),
}
_UNTAGGED = {"aten.where.Scalar", "aten.where.ScalarOther", "aten.where.ScalarSelf"}
"""Functions of single values that torch does not tag as such."""


def is_pointwise(fx: FxNode) -> bool:
    """Whether each value of a call's result is a function of its arguments' values there."""
    tags = getattr(fx.target, "tags", ())
    return torch.Tag.pointwise in tags or str(fx.target) in _CASTS | _UNTAGGED


def chosen(tracer: Tracer, fx: FxNode) -> Callable[[Call], Node] | None:
    """What maps a call to the choice that it yields; None where it yields none."""
    graph, constants = tracer.graph, tracer.constants
    choices = {
        each: graph[tracer.values[each]] for each in fx.all_input_nodes if each in tracer.values
    }
    if not choices or not is_pointwise(fx):
        return None
    (first, choice), *others = choices.items()
    shape, is_cast = first.meta["val"].shape, str(fx.target) in _CASTS
    if choice.op != "choice" or fx.meta["val"].shape[1:] != shape[1:] or not order_of(first):
        return None
    if not is_cast and not all(_is_alike(choice, other) for _, other in others):
        return None
    if not all(each in choices or each in constants for each in fx.all_input_nodes):
        return None

    def value(node: FxNode) -> Any:
        return _both(choices[node], order_of(first)) if node in choices else constants[node]

    if is_cast:
        result = value(first).to(fx.meta["val"].dtype)
    else:
        args, kwargs = torch.fx.map_arg(fx.args, value), torch.fx.map_arg(fx.kwargs, value)
        with torch.no_grad():
            result = cast("Callable[..., Tensor]", fx.target)(*args, **kwargs)
    if result.shape != value(first).shape:
        return None
    below, above = result.reshape(2, -1).numpy()
    keys = {"level": choice["level"], "below": below, "above": above}
    return lambda call: call.choice(choice.origin.signed, graph[choice.input], **keys)


def _is_alike(choice: Node, other: Node) -> bool:
    """Whether two choices are made by one comparison."""
    return other.op == "choice" and all(
        same(left, right)
        for left, right in ((choice.input, other.input), (choice["level"], other["level"]))
    )


def _both(choice: Node, order: str) -> Tensor:
    """Both constants, as two images of one pixel, whose dimensions are in this order."""
    both = torch.from_numpy(np.stack([choice["below"], choice["above"]]))
    return both.reshape(2, *(both.shape[1] if axis == "C" else 1 for axis in order))


def realised(graph: Graph, choice: Node, as_real: Callable[[Node], Node]) -> Node:
    """A choice as a sign of −1 and +1, or as reals that one chooses; as_real: of a sign."""
    both = np.stack([choice["below"], choice["above"]])
    below, above = narrow = both.astype(np.float32)
    if not np.isfinite(narrow).all() or (narrow != both).any():
        raise refuse(choice.origin, "chooses between values that float32 does not have")
    is_sign = bool((np.abs(narrow) == 1).all() and (below == -above).all())
    keys = {"level": choice["level"]} if choice["level"].any() else {}
    if is_sign and (below > 0).any():
        keys["negated"] = (below > 0).astype(np.uint8)
    sign = Node(
        graph.unique(f"{choice.name}.sign"),
        "sign",
        choice.inputs,
        choice.shape,
        choice.origin if is_sign else choice.origin._replace(export=""),
        keys,
        is_sign=True,
    )
    graph.add(sign)
    if is_sign:
        return sign
    # Of −1 and +1 both products are exact, and −1 · −0.0 is +0.0.
    step = Step("maxout", {"slope": -below.astype(np.float64), "positive_slope": above + 0.0})
    values = as_real(sign)
    export = choice.origin.export if both.dtype.kind == "f" else ""
    origin = choice.origin._replace(export=export, signed="")
    name = graph.unique(f"{choice.name}.chosen")
    return graph.add(Node(name, "identity", (values.name,), choice.shape, origin, steps=(step,)))
