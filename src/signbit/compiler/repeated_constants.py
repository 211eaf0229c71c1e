"""Constants, also those that a model repeats for each image, as a token before an image's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node as FxNode

from signbit.compiler.exporting.exported import is_of_images, origin_of
from signbit.compiler.ir import refuse
from signbit.compiler.mapping.choices import is_pointwise

__all__ = ["constant_arguments"]

_REPEATS = {
    *("aten.expand.default", "aten.repeat.default"),
    *("aten.full.default", "aten.ones.default", "aten.zeros.default"),
}


def constant_arguments(
    fx: FxNode, constants: Mapping[FxNode, Any], batch: str
) -> tuple[Any, Any] | None:
    """The arguments of a call of constants alone, in order and by name; None of any other call.

    constants: exported node → its result. batch: the symbol of the batch size. What is repeated for
    each image is so for one. Raises CompileError where something is computed of it that is not the
    same for each image.
    """
    inputs = fx.all_input_nodes
    sizes = [node for node in inputs if str(_as_size(node)) == batch]
    repeats = bool(sizes) and str(fx.target) in _REPEATS
    is_known = all(node in constants or node in sizes for node in inputs)
    if not is_known or _as_size(fx) is not None or (sizes and not repeats):
        return None
    is_same = repeats or is_pointwise(fx) or _joins(fx)
    if not is_same and any(
        isinstance(_value(node), Tensor) and is_of_images(node) for node in inputs
    ):
        raise refuse(
            origin_of(fx),
            "computes with a constant that is repeated for each image",
            "compute first, and repeat the result: token.expand(x.shape[0], -1, -1)",
        )
    known = {node: constants.get(node, 1) for node in inputs}
    args, kwargs = (torch.fx.map_arg(given, known.__getitem__) for given in (fx.args, fx.kwargs))
    return args, kwargs


def _value(fx: FxNode) -> Any:
    return fx.meta.get("val")


def _as_size(fx: FxNode) -> torch.SymInt | None:
    """A value that is a size; None of any other."""
    value = _value(fx)
    return value if isinstance(value, torch.SymInt) else None


def _joins(fx: FxNode) -> bool:
    """Whether a call joins constants of each image."""
    dim = fx.args[1] if len(fx.args) > 1 else 0
    return str(fx.target) == "aten.cat.default" and dim not in (0, -_value(fx).dim())
