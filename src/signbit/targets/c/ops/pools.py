"""The largest value of a window, and means of windows and of whole images."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.taps import taps_inside
from signbit.targets.c.site import Body, Site
from signbit.targets.c.text import block, literal
from signbit.targets.c.windows import over_taps


def _maximum(site: Site) -> Body:
    """m begins as the first tap inside, then m = m < x ? x : m; of signs, −1 where all are."""
    node, source = site.node, site.source
    size = source.shape[0], source.shape[1]
    kernel = size if node.op == "global_max" else None
    value = source.at("from", "c")
    if source.kind == "bits":
        word = f"bits &= {source.name}[from * {source.words} + i];"
        return Body(
            "bit",
            ["word bit = 1;", *over_taps(node, size, [f"bit &= {value};"], kernel=kernel)],
            words=["word bits = ~(word)0;", *over_taps(node, size, [word], kernel=kernel)],
        )
    taken = [f"const float tap = {value};", "if (first || v < tap) v = tap;", "first = 0;"]
    begun = ["float v = 0;", "int first = 1;"]
    return Body("real", [*begun, *over_taps(node, size, taken, kernel=kernel)])


def _avg_pool(site: Site) -> Body:
    """Taps inside the image added in order from +0.0, divided by how many count."""
    size = site.source.shape[0], site.source.shape[1]
    summed = over_taps(site.node, size, [f"v += {site.source.at('from', 'c')};"])
    rows, columns = (_counted(site, axis) for axis in (0, 1))
    if len({*rows}) == len({*columns}) == 1:
        divided = f"v /= {literal(np.float32(rows[0] * columns[0]))};"
    else:
        names = [site.pool.constant(np.array(each, np.uint16)) for each in (rows, columns)]
        divided = f"v /= (float)((int32_t){names[0]}[y] * {names[1]}[x]);"
    return Body("real", ["float v = 0;", *summed, divided])


def _counted(site: Site, axis: int) -> list[int]:
    """How many taps along an axis each window divides by."""
    node, size = site.node, site.source.shape[axis]
    before, after = node["padding"][axis], node["padding"][axis + 2]
    if node["count_padding"]:  # the padded input is the image, and has no padding of its own
        size, before = before + size + after, 0
    kernel, stride = node["kernel"][axis], node["stride"][axis]
    sets = (taps_inside(size, kernel, i * stride - before, 1) for i in range(site.shape[axis]))
    return [last - first for first, last in sets]


def _global_mean(site: Site) -> Body:
    """Each row summed left to right, the row sums top to bottom, divided by the area."""
    height, width, _ = site.source.shape
    value = site.source.at(f"iy * {width} + ix", "c")
    row = ["float row = 0;", f"for (int32_t ix = 0; ix < {width}; ++ix) row += {value};"]
    summed = block(f"for (int32_t iy = 0; iy < {height}; ++iy)", row, "v += row;")
    return Body("real", ["float v = 0;", *summed, f"v /= {literal(np.float32(height * width))};"])


OPERATIONS = {
    "max_pool": _maximum,
    "global_max": _maximum,
    "avg_pool": _avg_pool,
    "global_mean": _global_mean,
}
