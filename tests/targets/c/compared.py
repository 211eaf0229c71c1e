"""Binary convolutions that yield nothing but signs, of every shape; each made from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.bitformat.builder import Builder

from signbit.bitformat import encode
from signbit.bitformat.graph import Output

DEPTHS = (1, 2, 3, 31, 32, 32, 33, 64, 64, 65, 96, 128)
LARGEST = (1 << 31) - 1


def compared(seed: int) -> bytes:
    """An image → its signs → two convolutions, each of one output: signs of its integers."""
    b = Builder(seed)
    groups, depth = _some(b, 1, 1, 1, 2, 3), _some(b, *DEPTHS)
    size = [int(each) for each in b.rng.integers(1, 9, 2)]
    image = b.input("image", "image", size[0], size[1], groups * depth)
    limits = b.integers(np.float32, 90, 160, groups * depth)
    bits = b.node("signs", "identity", (image,), outputs=(Output("signs", threshold=limits),))
    for number in range(2):
        keys, size = _windows(b, size)
        out = groups * _some(b, 1, 5, 32, 32, 40, 64)
        taps = keys["kernel"][0] * keys["kernel"][1] * depth
        flip = b.flip(out) if _some(b, True, False) else None
        output = Output("signs", 0, _threshold(b, out, taps), flip)
        keys |= {"groups": groups, "weight": b.filters(out, taps)}
        bits = b.node(f"conv{number}", "binary_conv", (bits,), outputs=(output,), **keys)
        depth = out // groups
    b.output("signs", bits)
    return encode(*b.sample())


def _some(b: Builder, *values: Any) -> Any:
    return values[b.rng.integers(len(values))]


def _pair(b: Builder, most: int) -> tuple[int, int]:
    return int(b.rng.integers(1, most + 1)), int(b.rng.integers(1, most + 1))


def _threshold(b: Builder, out: int, taps: int) -> int | None:
    """Near what the dots are, beyond all of them, real, or none."""
    near = max(2, int(2 * taps**0.5))
    kind = _some(b, "near", "near", "any", "real", "none")
    if kind == "real":
        return b.floats(out)
    if kind == "none":
        return None
    least, most = (-near, near) if kind == "near" else (-LARGEST - 1, LARGEST)
    return b.integers(np.int32, least, most, out)


def _windows(b: Builder, size: list[int]) -> tuple[dict[str, Any], list[int]]:
    """Keys of windows that an image of a size has, and the size of what they yield."""
    kernel, dilation, stride = _pair(b, 3), _pair(b, 2), _pair(b, 2)
    reach = [dilation[axis] * (kernel[axis] - 1) + 1 for axis in (0, 1)]
    before = [_some(b, 0, 0, 1, 2) for _ in size]
    after = [max(_some(b, 0, 0, 1), reach[a] - size[a] - before[a]) for a in (0, 1)]
    keys = {"kernel": kernel, "dilation": dilation, "stride": stride}
    keys |= {"padding": (*before, *after), "pad_sign": _some(b, "none", "positive", "negative")}
    yields = [(size[a] + before[a] + after[a] - reach[a]) // stride[a] + 1 for a in (0, 1)]
    if _some(b, True, False):
        pool, by = (min(_pair(b, 3)[a], yields[a]) for a in (0, 1)), _pair(b, 2)
        keys |= {"pool_kernel": tuple(pool), "pool_stride": by}
        yields = [(yields[a] - keys["pool_kernel"][a]) // by[a] + 1 for a in (0, 1)]
    return keys, yields
