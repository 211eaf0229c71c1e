"""Dots of signs with their maximum over windows, and sums of signs."""

from __future__ import annotations

import numpy as np

from signbit.targets.c.binary_windows import of_group, over_windows, taps_of, varies
from signbit.targets.c.signs import after, flips, least_integers
from signbit.targets.c.site import Body, Site
from signbit.targets.c.text import block
from signbit.targets.c.windows import over_taps


def _binary_conv(site: Site) -> Body:
    """Every dot of a pixel is counted first, group by group, into memory of the node's own."""
    if _is_compared(site):
        return _compared(site)
    out = site.shape[2]
    taps, depth = taps_of(site)
    largest = taps * depth
    counts = site.work("counts", "whole", out)
    dot = f"{'inside' if varies(site) else largest} - 2 * {counts}"

    def more(each: int, masked: bool) -> str:
        return f"{each}, counts{of_group(site, each)}"

    if site.node["pool_kernel"] == (1, 1):
        pixel = over_windows(site, False, more)
        return Body("integer", [f"const int32_t v0 = {dot}[c];"], pixel, largest=largest)
    dots = site.work("dots", "whole", out)
    kept = block(
        f"for (int32_t o = 0; o < {out}; ++o)",
        f"const int32_t dot = {dot}[o];",
        f"if (py + px == 0 || {dots}[o] < dot) {dots}[o] = dot;",
    )
    pixel = over_windows(site, False, more, kept)
    return Body("integer", [f"const int32_t v0 = {dots}[c];"], pixel, largest=largest)


def _is_compared(site: Site) -> bool:
    """Whether the node yields nothing but signs by thresholds on its integers, in whole words."""
    (output, *others), groups = site.node.outputs, site.node["groups"]
    taps, depth = taps_of(site)
    return (
        not others
        and output.kind == "signs"
        and after(site, output) == 0
        and (groups == 1 or site.shape[2] // groups % 32 == 0)
        and (depth % 2 == 0 or not varies(site))
        and taps * depth < np.iinfo(np.int16).max
    )


def _compared(site: Site) -> Body:
    """Every pixel's signs, in words; of pooled dots, those that are negative in all windows.

    A dot K − 2n of n differing bits is below t where n > (K − t) / 2. Taps outside the image take
    as much from the dot as if half of their bits differed.
    """
    (output,), (tensor,) = site.node.outputs, site.outputs
    taps, depth = taps_of(site)
    largest = taps * depth
    most = (largest - least_integers(site, output, largest)) // 2
    limits = site.pool.constant(most.astype(np.int16))
    pooled = site.node["pool_kernel"] != (1, 1)
    pixel = "pixel" if tensor.words == 1 else f"pixel * {tensor.words}"
    to = site.work("signs", "word", tensor.words) if pooled else f"{tensor.name} + {pixel}"

    def more(each: int, masked: bool) -> str:
        missing = f"({largest} - inside) / 2, " if masked else ""
        there = limits + of_group(site, each)
        return f"{there}, {missing}{each}, {to}{of_group(site, each // 32)}"

    stored = f"{tensor.name}[{pixel} + i]"
    each_word = f"for (int32_t i = 0; i < {tensor.words}; ++i)"
    kept = block(each_word, f"{stored} = py + px == 0 ? signs[i] : {stored} & signs[i];")
    lines = over_windows(site, True, more, kept if pooled else [])
    flipped = flips(site, output)
    if flipped:
        lines += block(each_word, f"{stored} = {stored}{flipped};")
    return Body("integer", [], stored=lines, largest=largest)


def _sign_sum(site: Site) -> Body:
    """Channel c is the sum of group c's signs inside the image."""
    site.need("count_bits")
    source = site.source
    taps, depth = taps_of(site)
    first = f"c * {depth}" if site.node["groups"] > 1 else "0"
    counted = f"count_bits({source.name} + from * {source.words}, {first}, {depth})"
    summed = over_taps(
        site.node, (source.shape[0], source.shape[1]), [f"v0 += {depth} - 2 * {counted};"]
    )
    return Body("integer", ["int32_t v0 = 0;", *summed], largest=taps * depth)


OPERATIONS = {"binary_conv": _binary_conv, "sign_sum": _sign_sum}
