"""The shape rules of the table, by name: what a node yields of inputs of these shapes.

native/src/format/validate/shapes.cpp has the same rules, written apart from these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from signbit.bitformat.checks import require, value_in_range
from signbit.bitformat.graph import Node, Pair, Shape
from signbit.bitformat.table import LIMITS
from signbit.bitformat.taps import window_count

__all__ = ["SHAPE_RULES", "check_shape", "dilation_of", "windows"]


def dilation_of(node: Node) -> Pair:
    """The distance from a tap to the next; (1, 1) where the operation has no such key."""
    dilation: Pair = node["dilation"] if _has(node, "dilation") else (1, 1)
    return dilation


def windows(node: Node, size: Pair, where: str) -> Pair:
    """Rows and columns of a node's windows over an input of this size; refuses none at all."""
    top, left, bottom, right = node["padding"]
    dilation = dilation_of(node)
    ceil = _has(node, "ceil") and node["ceil"]
    counts = []
    for axis, (before, after) in enumerate(((top, bottom), (left, right))):
        kernel, stride = node["kernel"][axis], node["stride"][axis]
        room = size[axis] + before + after - dilation[axis] * (kernel - 1) - 1
        require(room >= 0, f"{where}.kernel", f"does not fit into {size}")
        count = room // stride + 1
        if ceil:
            count = -(-room // stride) + 1
            if (count - 1) * stride >= size[axis] + before:
                count -= 1
        counts.append(count)
    return counts[0], counts[1]


def _same(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    return shapes[0]


def _convolution(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    height, width = windows(node, shapes[0][:2], where)
    if _has(node, "pool_kernel"):
        (rows, columns), stride = node["pool_kernel"], node["pool_stride"]
        height, width = (
            window_count(height, rows, stride[0]),
            window_count(width, columns, stride[1]),
        )
        require(min(height, width) >= 1, f"{where}.pool_kernel", "does not fit into the dots")
    return height, width, channels


def _sums(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    return *windows(node, shapes[0][:2], where), node["groups"]


def _window(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    _require_taps_inside(node, shapes[0][:2], where)
    return *windows(node, shapes[0][:2], where), shapes[0][2]


def _require_taps_inside(node: Node, size: Pair, where: str) -> None:
    """Every window of a pool has a tap inside the image.

    A window reaches into the image from either side, and no step from tap to tap is wider than it.
    """
    padding = node["padding"]
    dilation = dilation_of(node)
    for axis, kernel in enumerate(node["kernel"]):
        require(
            max(padding[axis], padding[axis + 2]) < kernel,
            f"{where}.padding",
            f"must be less than the kernel's {kernel} along each axis",
        )
        require(
            kernel == 1 or dilation[axis] <= size[axis],
            f"{where}.dilation",
            f"must be no more than the input's size, {size}",
        )


def _one_channel(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    return *shapes[0][:2], 1


def _one_pixel(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    return 1, 1, shapes[0][2]


def _flat(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    height, width, depth = shapes[0]
    return 1, 1, height * width * depth


def _concat(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    first = shapes[0]
    for index, shape in enumerate(shapes):
        require(
            shape[:2] == first[:2],
            f"{where}.inputs[{index}]",
            f"has {shape[:2]} pixels, the first input has {first[:2]}",
        )
    return *first[:2], sum(shape[2] for shape in shapes)


def _slice(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    height, width, depth = shapes[0]
    end = node["first"] + node["count"]
    require(end <= depth, f"{where}.count", f"ends at channel {end} of {depth}")
    return height, width, node["count"]


def _upsample(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    height, width, depth = shapes[0]
    rows, columns = node["factor"]
    return height * rows, width * columns, depth


def _space_to_depth(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    height, width, depth = shapes[0]
    block = node["block"]
    require(
        height % block == 0 and width % block == 0,
        f"{where}.block",
        f"{block} does not divide {height} × {width}",
    )
    return height // block, width // block, depth * block * block


def _depth_to_space(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    height, width, depth = shapes[0]
    block = node["block"]
    require(
        depth % (block * block) == 0,
        f"{where}.block",
        f"its square does not divide the {depth} channels",
    )
    return height * block, width * block, depth // (block * block)


def _transposed(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    height, width, depth = shapes[0]
    return (width, height, depth) if node["whole_pixels"] else (height, depth, width)


def _product(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    (height, width, depth), (rows, *second) = shapes
    terms, results = second if node["over_pixels"] else reversed(second)
    require(
        rows == height and terms == depth,
        f"{where}.inputs[1]",
        f"has {terms} values to multiply in {rows} rows, the first input {depth} in {height}",
    )
    return height, width, results


def _reshaped(node: Node, shapes: Sequence[Shape], channels: int, where: str) -> Shape:
    height, width, depth = shapes[0]
    values, column = height * width * depth, node["rows"] * node["count"]
    require(
        values % column == 0,
        f"{where}.count",
        f"times {node['rows']} rows does not divide the {values} values",
    )
    return node["rows"], values // column, node["count"]


def _has(node: Node, key: str) -> bool:
    return any(each.name == key for each in node.rule.keys)


Rule = Callable[[Node, Sequence[Shape], int, str], Shape]
"""node, shapes of what its operation reads, filters of its weight, field → shape"""

SHAPE_RULES: Mapping[str, Rule] = {
    "same": _same,
    "convolution": _convolution,
    "sums": _sums,
    "window": _window,
    "one_channel": _one_channel,
    "one_pixel": _one_pixel,
    "flat": _flat,
    "concat": _concat,
    "slice": _slice,
    "upsample": _upsample,
    "space_to_depth": _space_to_depth,
    "depth_to_space": _depth_to_space,
    "transposed": _transposed,
    "reshaped": _reshaped,
    "product": _product,
}


def check_shape(shape: Shape, where: str) -> None:
    """Refuse a tensor of this shape that is larger than the limits."""
    for axis, size in enumerate(("height", "width")):
        value_in_range(shape[axis], 1, LIMITS["size"], f"{where}: {size}")
    value_in_range(shape[2], 1, LIMITS["channels"], f"{where}: channels")
    height, width, channels = shape
    require(
        height * width * channels <= LIMITS["elements"],
        where,
        f"has more than {LIMITS['elements']} elements",
    )
