"""Products of two values as matrices, and attention, which is made of them.

The engine multiplies the pixels of each row (rows are heads, or other matrices side by side) by
those of another value's row, over the channels of both, or over the other's pixels. So a transposed
second factor costs nothing.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import NamedTuple

import numpy as np

from signbit.compiler.axes import fitting, order_of, pending, transposed
from signbit.compiler.ir import Node, Shape, Step
from signbit.compiler.mapping.moves.views import BATCH, Atom, View, placed, settled, view_of
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]

_SPELLINGS = "write a @ b, or a @ b.transpose(-2, -1)"


class _Operand(NamedTuple):
    """An argument, and which axis of it each of its dimensions is."""

    node: Node
    sizes: tuple[int, ...]
    order: str

    @classmethod
    def of(cls, call: Call, name: str) -> _Operand:
        return cls(call.value(name), call.sizes(name), order_of(call.arguments[name]))


def _matmul(call: Call) -> Node:
    left, right = (name for name in ("self", "other", "mat2") if name in call.arguments)
    if call.is_constant(left) or call.is_constant(right):
        raise call.refuse("multiplies by a matrix of constants", "write F.linear(x, weight)")
    if any(pending(call.arguments[name]) is not None for name in (left, right)):
        return _of_views(call, left, right)
    operands = [_Operand.of(call, name) for name in (left, right)]
    count = _count_of_dimensions(call, *operands)
    a = _arranged(call, operands[0], "HWC"[-count:])
    made = _product(call, a, operands[1], "HCW"[-count:])
    call.order = "HWC"[-count:]
    return made


def _of_views(call: Call, left: str, right: str) -> Node:
    """The same where the images share dimensions with others, or more than three follow them."""
    views = [view_of(call, name) for name in (left, right)]
    operands = []
    for view in views:
        matrices = tuple(atom for dim in view.dims[:-2] for atom in dim if atom is not BATCH)
        by_image = view._replace(dims=((BATCH,), matrices, *view.dims[-2:]))
        if len(view.dims) < 3 or any(BATCH in dim for dim in view.dims[-2:]):
            raise call.refuse("multiplies matrices of several images", _SPELLINGS)
        sizes = tuple(prod(atom.size for atom in dim) for dim in by_image.dims[1:])
        node, order = placed(call, by_image, "matrices")
        operands.append(_Operand(node, sizes, order))
    made = _product(call, _arranged(call, operands[0], "HWC"), operands[1], "HCW", "product")
    rows, columns = (
        (Atom(size),) if size > 1 else () for size in (made.shape.width, made.shape.channels)
    )
    outer = views[0].dims[:-2]
    matrices = tuple(atom for dim in outer for atom in dim if atom is not BATCH)
    return settled(call, View(made, (*matrices, *rows, *columns), (*outer, rows, columns)))


def _count_of_dimensions(call: Call, *operands: _Operand) -> int:
    """How many dimensions all of these have for each image: two, or three."""
    counts = {len(each.sizes) for each in operands}
    if len(counts) > 1 or not counts <= {2, 3}:
        raise call.refuse(
            f"multiplies {' by '.join(str(each.sizes) for each in operands)} for each image",
            "the engine multiplies matrices, (N, n, k) by (N, k, m), or several of each image",
        )
    return counts.pop()


def _product(call: Call, a: Node, right: _Operand, summed: str, part: str | None = None) -> Node:
    """a times another argument, summed over both channels.

    summed: the dimensions of `right`, of which C is multiplied away and W stays. Where they are
    the value's pixels and channels, the sum is over its pixels.
    """
    over_pixels = not fitting(right.sizes, right.order, summed)
    b = _arranged(call, right, transposed(summed) if over_pixels else summed)
    if b.shape.height != a.shape.height:
        raise call.refuse(
            f"multiplies {a.shape.height} matrices of each image by {b.shape.height}",
            "the engine multiplies as many by as many: x.expand(…) of the fewer ones",
        )
    shape = Shape(*a.shape[:2], b.shape.channels if over_pixels else b.shape.width)
    flag = True if over_pixels else None
    return call.add("matmul", a, b, part=part, shape=shape, over_pixels=flag)


def _arranged(call: Call, operand: _Operand, wanted: str) -> Node:
    """An operand with its dimensions as these axes."""
    node = call.arranged(*operand, wanted)
    if node is None:
        sizes = operand.sizes
        raise call.refuse(f"multiplies {sizes} for each image, which are no matrices", _SPELLINGS)
    return node


def _einsum(call: Call) -> Node:
    """Of two values: one letter is multiplied away, and one of each stays."""
    equation = str(call.arguments["equation"]).replace(" ", "")
    reads, _, result = equation.partition("->")
    left, _, right = reads.partition(",")
    rows, columns = {*left} - {*right}, {*right} - {*left}
    summed, matrices = {*left} & {*right} - {*result}, {*left} & {*right} & {*result} - {*left[:1]}
    is_known = (
        result.isalpha()
        and left.isalpha()
        and right.isalpha()
        and {*result} == rows | columns | matrices | {left[0]}
        and (len(rows), len(columns), len(summed)) == (1, 1, 1)
        and len(result) == len(left) == len(right) == 3 + len(matrices) <= 4
        and left[0] == right[0] == result[0]
    )
    if not is_known:
        raise call.refuse(f"is {equation}", f"{_SPELLINGS}; the images come first in each")
    call.arguments |= dict(zip(("self", "other"), call.arguments["tensors"], strict=True))
    axes = {**dict.fromkeys(matrices, "H"), **dict.fromkeys(rows | columns, "W"), summed.pop(): "C"}
    a, b = (_Operand.of(call, name) for name in ("self", "other"))
    a_node = _arranged(call, a, "".join(axes[letter] for letter in left[1:]))
    made = _product(call, a_node, b, "".join(axes[letter] for letter in right[1:]))
    axes[columns.pop()] = "C"
    call.order = "".join(axes[letter] for letter in result[1:])
    return made


def _attention(call: Call) -> Node:
    """softmax(q·kᵀ·scale)·v of each image's heads."""
    if call.arguments["attn_mask"] is not None or call.arguments["is_causal"]:
        raise call.refuse(
            "masks its weights",
            "write them out: (q @ k.transpose(-2, -1) * scale + mask).softmax(-1) @ v",
        )
    if call.arguments["dropout_p"]:
        raise call.refuse("drops weights at random", "give it dropout_p=0.0 in evaluation mode")
    query, key, value = (_Operand.of(call, name) for name in ("query", "key", "value"))
    count = _count_of_dimensions(call, query, key, value)
    scale = call.arguments["scale"]
    if scale is None:
        scale = 1 / sqrt(query.sizes[-1])
    a = _arranged(call, query, "HWC"[-count:])
    products = _product(call, a, key, "HWC"[-count:], "products")
    factor = np.full(products.shape.channels, float(scale))
    step = Step("affine", {"scale": factor, "shift": np.zeros_like(factor)})
    scaled = call.add("identity", products, steps=[step], part="scaled", shape=products.shape)
    weights = call.add("softmax", scaled, part="weights", shape=products.shape)
    made = _product(call, weights, value, "HCW"[-count:])
    call.order = "HWC"[-count:]
    return made


MAPPINGS = {
    "aten.bmm.default": _matmul,
    "aten.einsum.default": _einsum,
    "aten.matmul.default": _matmul,
    "aten.scaled_dot_product_attention.default": _attention,
}
