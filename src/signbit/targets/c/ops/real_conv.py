"""Sums of products: chains of fma, sums of signed reals, or exact integers.

A product with ±1 is exact, so its chain adds and subtracts. Whole numbers whose sums stay below
2^24 are exact in float32, so their chain is a sum of integers.
"""

from __future__ import annotations

import numpy as np

from signbit.bitformat.checks import Array
from signbit.targets.c.site import Body, Site, Stored
from signbit.targets.c.text import block
from signbit.targets.c.windows import over_taps

_EXACT = 1 << 24


def _real_conv(site: Site) -> Body:
    weight, pad = site.array("weight"), site.array("pad_value")
    assert weight is not None
    pads = any(site.node["padding"])
    if not pads:
        pad = None
    source, (rows, columns) = site.source, site.node["kernel"]
    depth = source.channels // site.node["groups"]
    packed = weight.dtype == np.uint64
    most = _most_integer(source, pad) * rows * columns * depth
    integers = weight.dtype == np.int16 or (packed and most < _EXACT)
    sum_type, name = ("int32_t", "v0") if integers else ("float", "v")
    width = rows * columns * depth
    if packed:
        words = np.ascontiguousarray(weight, "<u8").view("<u4").reshape(len(weight), -1)
        weights, row = site.pool.constant(words.astype(np.uint32)), words.shape[1]
        w = "(w[(t + i) >> 5] >> ((t + i) & 31) & 1u)"
    else:
        weights, row = site.pool.constant(weight), width
        w = "w[t + i]"
    first = _first_channel(site, depth)
    inside = _tap(site, _read(source, first), w, packed, integers, depth)
    outside = []
    if pad is not None:
        padded = (
            pad if not integers else pad.astype(np.uint8 if pad.dtype == np.uint8 else np.int32)
        )
        index = f"{first} + i" if first else "i"
        outside = _tap(
            site, site.per_channel(padded, index), w, packed, integers, depth, known=True
        )
    elif source.kind == "real" and not packed and pads:
        outside = _tap(site, "0.0f", w, packed, integers, depth, known=True)
    here = f"const int32_t t = (ky * {columns} + kx) * {depth};"
    size = source.shape[0], source.shape[1]
    summed = over_taps(site.node, size, [here, *inside], [here, *outside] if outside else [])
    c_type = {"i": "int16_t", "f": "float", "u": "word"}[weight.dtype.kind]
    begin = [f"{sum_type} {name} = 0;", f"const {c_type} *const w = {weights} + c * {row};"]
    body = Body("integer" if integers else "real", [*begin, *summed])
    return body._replace(largest=most) if packed and integers else body


def _most_integer(source: Stored, pad: Array | None) -> int:
    """The largest magnitude of a tap if all are whole numbers; too large a one if not."""
    if source.kind == "real":
        return _EXACT
    largest = 255 if source.kind == "image" else 1
    if pad is None:
        return largest
    if (pad != np.floor(pad)).any():
        return _EXACT
    return max(largest, int(min(np.abs(pad).max(), _EXACT)))


def _first_channel(site: Site, depth: int) -> str:
    """The first channel that filter c reads, as an expression; empty for 0."""
    groups = site.node["groups"]
    if groups == 1:
        return ""
    each = site.shape[2] // groups
    return f"c * {depth}" if each == 1 else f"c / {each} * {depth}"


def _read(source: Stored, first: str) -> str:
    """Channel i of the group at the tap's pixel; of signs the bit."""
    return source.at("from", f"{first} + i" if first else "i")


def _tap(
    site: Site, x: str, w: str, packed: bool, integers: bool, depth: int, *, known: bool = False
) -> list[str]:
    """Add a tap's products, channel by channel. known: x is a number, whatever the source is."""
    kind = "real" if known else site.source.kind
    name = "v0" if integers else "v"
    if not packed and not integers and kind != "bits":
        site.need("fma")
        product = [f"v = fma_once((float){x}, {w}, v);"]
    elif kind == "bits" and packed:
        product = [f"{name} += {x} ^ {w} ? -1 : 1;"]
    elif kind == "bits":
        product = [f"{name} += {x} ? -{w} : {w};"]
    elif packed:
        cast = "(int32_t)" if integers else "(float)"
        product = [f"{name} += {w} ? -{cast}{x} : {cast}{x};"]
    else:
        product = [f"{name} += (int32_t){x} * {w};"]
    return block(f"for (int32_t i = 0; i < {depth}; ++i)", product)


OPERATIONS = {"real_conv": _real_conv}
