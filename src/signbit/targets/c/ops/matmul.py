"""Products of two tensors' rows, as matrices: chains of fma, or of signs what their bits add up to.

A product with ±1 is exact, so its chain adds and subtracts.
"""

from __future__ import annotations

from signbit.targets.c.site import Body, Site
from signbit.targets.c.text import block


def _matmul(site: Site) -> Body:
    left, right = site.inputs[:2]
    width = right.shape[1]
    a = left.at("pixel", "i")
    if site.node["over_pixels"]:
        b = right.at(f"y * {width} + i", "c")
    else:
        b = right.at(f"y * {width} + c", "i")
    if left.kind == right.kind == "bits":
        product = f"v += {a} ^ {b} ? -1.0f : 1.0f;"
    elif left.kind == "bits":
        product = f"v += {a} ? -{b} : {b};"
    elif right.kind == "bits":
        product = f"v += {b} ? -{a} : {a};"
    else:
        site.need("fma")
        product = f"v = fma_once({a}, {b}, v);"
    summed = block(f"for (int32_t i = 0; i < {left.channels}; ++i)", product)
    return Body("real", ["float v = 0;", *summed])


OPERATIONS = {"matmul": _matmul}
