"""Looks at each operation of an export whose height and width are open: does it keep them open?

Refused are operations that take a number made from the size (pads, kernels, positions), that yield
maps of a fixed size, and that cut maps at a fixed place. Reshapes and upsampling may take sizes:
those that other values have, and whole multiples.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

import sympy
import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node as FxNode

from signbit.compiler.checks.collected import Collected
from signbit.compiler.exporting.exported import origin_of
from signbit.compiler.ir import refuse
from signbit.errors import CompileError

__all__ = ["TAKE_SIZES", "require_no_fixed_sizes"]

_RESHAPES = {
    "aten._unsafe_view.default",
    "aten.expand.default",
    "aten.reshape.default",
    "aten.unflatten.int",
    "aten.view.default",
}
_UPSAMPLINGS = {"aten.upsample_nearest2d.default", "aten.upsample_nearest2d.vec"}
TAKE_SIZES = _RESHAPES | _UPSAMPLINGS
"""Operations that may be called with the sizes of maps."""
_PIECEWISE = {"Max", "Min", "Mod", "Piecewise", "PythonMod", "Where"}
"""Names of sympy's and torch's functions that tell sizes apart."""
_POOL = "for a file of any size use nn.AdaptiveAvgPool2d(1), or a factor in place of a size"


def require_no_fixed_sizes(program: ExportedProgram, symbols: Set[Any]) -> None:
    """Refuse the operations of an export that do not keep the size of the images open.

    symbols: sympy's, of height and width. Raises CompileError with all of them.
    """
    _Walk(symbols).run(program)


class _Walk:
    def __init__(self, symbols: Set[Any]) -> None:
        self.symbols = symbols
        self.known: set[Any] = set()
        """Heights, widths, and their products, of the values so far."""

    def run(self, program: ExportedProgram) -> None:
        checks = Collected()
        lost: set[FxNode] = set()  # refused, or computed of what was
        for fx in program.graph.nodes:
            shapes = list(_shapes(fx))
            count = len(checks.refused)
            is_lost = any(node in lost for node in fx.all_input_nodes)
            if fx.op == "call_function" and shapes and not is_lost:
                with checks:
                    self.check(fx, shapes)
            lost |= {fx} if is_lost or len(checks.refused) > count else set()
            for shape in shapes:
                if len(shape) == 4:
                    self.known |= {*shape[2:], sympy.expand(shape[2] * shape[3])}
        checks.require_none()

    def is_open(self, expression: Any) -> bool:
        return bool(expression.free_symbols & self.symbols)

    def check(self, fx: FxNode, shapes: list[list[Any]]) -> None:
        numbers = [n for n in fx.all_input_nodes if self.is_open(_number(n))]
        if numbers and not self.may_take(fx, shapes[0]):
            raise _refuse(fx, "takes a number that is made from the height or width of the images")
        before = [shape for node in fx.all_input_nodes for shape in _shapes(node)]
        if not any(self.is_open(size) for shape in before for size in shape):
            return
        for shape in shapes:
            self.check_shape(fx, shape, before)

    def may_take(self, fx: FxNode, shape: list[Any]) -> bool:
        """Whether an operation may be given sizes, and these are sizes that it can be given."""
        target = str(fx.target)
        if target in _RESHAPES:
            open_sizes = [size for size in shape if self.is_open(size)]
            return all(
                size in self.known or sympy.expand(size) in self.known for size in open_sizes
            )
        if target in _UPSAMPLINGS:
            (before,) = _shapes(fx.all_input_nodes[0])
            factors = [
                sympy.simplify(new / old) for new, old in zip(shape[2:], before[2:], strict=True)
            ]
            return all(factor.is_Integer for factor in factors)
        return False

    def check_shape(self, fx: FxNode, shape: list[Any], before: list[list[Any]]) -> None:
        if len(shape) == 2 and self.is_open(shape[1]) and not self.is_open(shape[0]):
            raise _refuse(
                fx,
                "flattens maps to vectors whose length depends on the size of the images; for a "
                "file of any size take the mean of each map first (nn.AdaptiveAvgPool2d(1))",
            )
        if any(_is_piecewise(size) for size in shape if self.is_open(size)):
            raise _refuse(
                fx, f"cuts or adds rows or columns, more or less by the size of the images; {_POOL}"
            )
        if len(shape) != 4:
            return
        for axis, name in ((2, "height"), (3, "width")):
            fixed = not self.is_open(shape[axis]) and shape[axis] != 1
            if fixed and any(len(each) == 4 and self.is_open(each[axis]) for each in before):
                raise _refuse(
                    fx,
                    f"makes maps of {name} {shape[axis]} of images of any size; {_POOL}",
                )


def _shapes(fx: FxNode) -> Iterator[list[Any]]:
    """The shape of each tensor that a node yields, with sizes as sympy has them."""
    value = fx.meta.get("val")
    for each in value if isinstance(value, tuple | list) else (value,):
        if isinstance(each, Tensor):
            yield [_expression(size) for size in each.shape]


def _expression(size: Any) -> Any:
    return size.node.expr if isinstance(size, torch.SymInt) else sympy.Integer(size)


def _number(fx: FxNode) -> Any:
    """What a node that yields a number yields, as sympy has it; 0 for any other."""
    value = fx.meta.get("val")
    if isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool):
        return value.node.expr
    return sympy.Integer(0)


def _is_piecewise(expression: Any) -> bool:
    return any(type(part).__name__ in _PIECEWISE for part in sympy.preorder_traversal(expression))


def _refuse(fx: FxNode, reason: str) -> CompileError:
    return refuse(origin_of(fx), reason)
