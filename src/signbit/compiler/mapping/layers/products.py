"""Products of two values as matrices, and attention, which is made of them.

The engine multiplies the pixels of each row (rows are heads, or other matrices side by side) by
those of another value's row, over the channels of both, or over the other's pixels. So a transposed
second factor costs nothing.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from signbit.compiler.axes import fitting, order_of, transposed
from signbit.compiler.ir import Node, Shape, Step
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]

_SPELLINGS = "write a @ b, or a @ b.transpose(-2, -1)"


def _matmul(call: Call) -> Node:
    left, right = (name for name in ("self", "other", "mat2") if name in call.arguments)
    if call.is_constant(left) or call.is_constant(right):
        raise call.refuse("multiplies by a matrix of constants", "write F.linear(x, weight)")
    count = _count_of_dimensions(call, left, right)
    a = _arranged(call, left, "HWC"[-count:])
    made = _product(call, a, right, "HCW"[-count:])
    call.order = "HWC"[-count:]
    return made


def _count_of_dimensions(call: Call, *names: str) -> int:
    """How many dimensions all of these have for each image: two, or three."""
    sizes = [call.sizes(name) for name in names]
    counts = {len(each) for each in sizes}
    if len(counts) > 1 or not counts <= {2, 3}:
        raise call.refuse(
            f"multiplies {' by '.join(map(str, sizes))} for each image",
            "the engine multiplies matrices, (N, n, k) by (N, k, m), or several of each image",
        )
    return counts.pop()


def _product(call: Call, a: Node, right: str, summed: str, part: str | None = None) -> Node:
    """a times another argument, summed over both channels.

    summed: the dimensions of `right`, of which C is multiplied away and W stays. Where they are
    the value's pixels and channels, the sum is over its pixels.
    """
    over_pixels = not fitting(call.sizes(right), order_of(call.arguments[right]), summed)
    b = _arranged(call, right, transposed(summed) if over_pixels else summed)
    if b.shape.height != a.shape.height:
        raise call.refuse(
            f"multiplies {a.shape.height} matrices of each image by {b.shape.height}",
            "the engine multiplies as many by as many: x.expand(…) of the fewer ones",
        )
    shape = Shape(*a.shape[:2], b.shape.channels if over_pixels else b.shape.width)
    flag = True if over_pixels else None
    return call.add("matmul", a, b, part=part, shape=shape, over_pixels=flag)


def _arranged(call: Call, name: str, wanted: str) -> Node:
    """An argument with its dimensions as these axes, by as few exchanges as do it."""
    node, sizes, order = call.value(name), call.sizes(name), order_of(call.arguments[name])
    for exchanges in ((), ("WC",), ("HW",), ("WC", "HW"), ("HW", "WC"), ("WC", "HW", "WC")):
        after = order
        for pair in exchanges:
            after = after.translate(str.maketrans(pair, pair[::-1]))
        if fitting(sizes, after, wanted):
            for pair in exchanges:
                node = call.exchanged(node) if pair == "WC" else _with_rows(call, node)
            return node
    raise call.refuse(f"multiplies {sizes} for each image, which are no matrices", _SPELLINGS)


def _with_rows(call: Call, node: Node) -> Node:
    """Append a value whose rows and columns change places."""
    height, width, channels = node.shape
    shape = Shape(width, height, channels)
    return call.add("transpose", node, part="exchanged", shape=shape, whole_pixels=True)


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
    a = _arranged(call, "self", "".join(axes[letter] for letter in left[1:]))
    made = _product(call, a, "other", "".join(axes[letter] for letter in right[1:]))
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
    count = _count_of_dimensions(call, "query", "key", "value")
    scale = call.arguments["scale"]
    if scale is None:
        scale = 1 / sqrt(call.sizes("query")[-1])
    a = _arranged(call, "query", "HWC"[-count:])
    products = _product(call, a, "key", "HWC"[-count:], "products")
    factor = np.full(products.shape.channels, float(scale))
    step = Step("affine", {"scale": factor, "shift": np.zeros_like(factor)})
    scaled = call.add("identity", products, steps=[step], part="scaled", shape=products.shape)
    weights = call.add("softmax", scaled, part="weights", shape=products.shape)
    made = _product(call, weights, "value", "HCW"[-count:])
    call.order = "HWC"[-count:]
    return made


MAPPINGS = {
    "aten.bmm.default": _matmul,
    "aten.einsum.default": _einsum,
    "aten.matmul.default": _matmul,
    "aten.scaled_dot_product_attention.default": _attention,
}
