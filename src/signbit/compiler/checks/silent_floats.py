"""Binary layers that lost their signs: which operands are meant to be real, why others are none.

What a `BinaryConv2d` or `BinaryLinear` means, its binarizers say: `RealWeight` keeps weights real,
`RealActivation` inputs. A call of `binary_conv2d` or `binary_linear` elsewhere has no binarizers:
there an operand is meant to be real if nothing on its way takes a sign, and weights that are −1 and
+1 for the most part are meant to be signs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import nn
from torch.fx import Node as FxNode

from signbit.nn.binarizers import RealActivation, RealWeight
from signbit.nn.layers import BinaryConv2d, BinaryLinear

__all__ = ["KeptReal", "kept_real", "takes_a_sign", "why_no_signs"]

Array = npt.NDArray[np.float64]

_SIGNS = {
    *("signbit.sign", "aten.sign", "aten.sgn", "aten.signbit", "aten.where", "aten.heaviside"),
    *("aten.lt", "aten.le", "aten.gt", "aten.ge", "aten.eq", "aten.ne", "aten.copysign"),
    *("aten.round", "aten.floor", "aten.ceil", "aten.trunc"),
}
"""Operations that make few values of many."""


class KeptReal(NamedTuple):
    """Which operands of a layer its binarizers keep real."""

    weights: bool
    inputs: bool


def kept_real(model: nn.Module) -> dict[str, KeptReal]:
    """Module path of every binary layer → which of its operands are meant to be real."""
    return {
        name: KeptReal(
            isinstance(layer.weight_binarizer, RealWeight),
            isinstance(layer.activation_binarizer, RealActivation),
        )
        for name, layer in model.named_modules(remove_duplicate=False)
        if isinstance(layer, BinaryConv2d | BinaryLinear)
    }


def takes_a_sign(operand: FxNode) -> bool:
    """Whether anything that an operand is computed from is a sign or a comparison."""
    pending, seen = [operand], {operand}
    while pending:
        fx = pending.pop()
        if ".".join(str(fx.target).split(".")[:2]) in _SIGNS:
            return True
        pending += [before for before in fx.all_input_nodes if before not in seen]
        seen.update(pending)
    return False


def why_no_signs(weight: Array) -> str:
    """What keeps weights (out, ...) from being −1 and +1, and the cure; "" where they are."""
    odd = np.argwhere(np.abs(weight) != 1)
    if not len(odd):
        return ""
    index = tuple(odd[0].tolist())
    value = float(weight[index])
    where = ",".join(map(str, index))
    if value == 0:
        return (
            f"weight {where} is 0: torch.sign gives 0 there, signbit's sign gives +1; use "
            "signbit.nn.sign"
        )
    magnitudes = np.abs(weight[index[0]])
    if ((magnitudes == abs(value)) | (magnitudes == 0)).all():
        return (
            f"the signs hold a scale ({abs(value):.3g} in filter {index[0]}): return it as "
            "BinaryWeight.scale"
        )
    return (
        f"weight {where} is {value:.3g}, neither −1 nor +1: take signbit.nn.sign of it, or "
        "let RealWeight keep the layer's weights real"
    )
