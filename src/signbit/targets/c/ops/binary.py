"""Dots of signs with their maximum over windows, and sums of signs."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.checks import Array
from signbit.targets.c.site import Body, Site
from signbit.targets.c.text import block
from signbit.targets.c.windows import over_taps


def _binary_conv(site: Site) -> Body:
    """Every dot of a pixel is counted first, group by group, into memory of the node's own."""
    node, out = site.node, site.shape[2]
    taps, depth = _taps(site)
    largest = taps * depth
    counts = site.work("counts", "whole", out)
    pooled = node["pool_kernel"] != (1, 1)
    vary = any(node["padding"]) and node["pad_sign"] == "none"
    dot = f"{'inside' if vary else largest} - 2 * {counts}"
    if not pooled:
        at = ("y", "x")
        if node["pool_stride"] != (1, 1):
            at = (f"(y * {node['pool_stride'][0]})", f"(x * {node['pool_stride'][1]})")
        value = [f"const int32_t v0 = {dot}[c];"]
        return Body("integer", value, _counted(site, at), largest=largest)
    dots = site.work("dots", "whole", out)
    rows, columns = node["pool_kernel"]
    at = f"(y * {node['pool_stride'][0]} + py)", f"(x * {node['pool_stride'][1]} + px)"
    kept = block(
        f"for (int32_t o = 0; o < {out}; ++o)",
        f"const int32_t dot = {dot}[o];",
        f"if (py + px == 0 || {dots}[o] < dot) {dots}[o] = dot;",
    )
    across = block(f"for (int32_t px = 0; px < {columns}; ++px)", _counted(site, at), kept)
    pixel = block(f"for (int32_t py = 0; py < {rows}; ++py)", across)
    return Body("integer", [f"const int32_t v0 = {dots}[c];"], pixel, largest=largest)


def _taps(site: Site) -> tuple[int, int]:
    """Taps of a window, and channels of a group."""
    rows, columns = site.node["kernel"]
    return rows * columns, site.source.channels // site.node["groups"]


def _filters(site: Site) -> Array:
    """The filters in words of 32 bits, as many as their taps take: (out, words)."""
    weight = site.array("weight")
    assert weight is not None
    taps, depth = _taps(site)
    halves = np.ascontiguousarray(weight, "<u8").view("<u4").reshape(len(weight), -1)
    return halves[:, : -(-taps * depth // 32)].astype(np.uint32)


def _counted(site: Site, at: tuple[str, str]) -> list[str]:
    """Count the differing bits of the window at a row and a column, for all filters.

    Declares `inside`, the number of taps that count, where that varies.
    """
    node, filters = site.node, _filters(site)
    words, groups = filters.shape[1], node["groups"]
    weights = site.pool.constant(filters)
    each = len(filters) // groups
    lines: list[str] = []
    if _is_in_one_piece(site):
        site.pool.kernels.add((words, False))
        (sy, sx), source = node["stride"], site.source
        pixel = f"{at[0]} * {sy * source.shape[1]} + {at[1]} * {sx}"
        window = f"{source.name} + ({pixel}) * {source.words}"
        return [f"dots_{words}({window}, {weights}, {each}, counts);"]
    for group in range(groups):
        gathered, vary = _gathered(site, at, group, words)
        there = f"{weights} + {group * each * words}, {each}, counts + {group * each}"
        plain = f"dots_{words}(window, {there});"
        site.pool.kernels.add((words, False))
        if vary:
            site.pool.kernels.add((words, True))
            taps, depth = _taps(site)
            masked = f"dots_{words}_inside(window, mask, {there});"
            gathered += [f"if (inside == {taps * depth})", f"  {plain}", "else", f"  {masked}"]
            lines += ["inside = 0;", *gathered] if group else ["int32_t inside = 0;", *gathered]
        else:
            lines += [*gathered, plain]
    return lines


def _is_in_one_piece(site: Site) -> bool:
    """Whether every window lies in memory as the filters do: whole words, row after row."""
    node, source = site.node, site.source
    rows, columns = node["kernel"]
    straight = node["dilation"][1] == 1 or columns == 1
    wide = columns == source.shape[1] and (node["dilation"][0] == 1 or rows == 1)
    aligned = source.channels % 32 == 0 and node["groups"] == 1 and not any(node["padding"])
    return aligned and straight and (rows == 1 or wide)


def _gathered(site: Site, at: tuple[str, str], group: int, words: int) -> tuple[list[str], bool]:
    """Copy a group's window; what lies outside the image is 0, and not in the mask.

    Returns whether taps outside do not count, so that there is a mask.
    """
    node, source = site.node, site.source
    _, depth = _taps(site)
    vary = any(node["padding"]) and node["pad_sign"] == "none"
    window = site.work("window", "word", words)
    mask = site.work("mask", "word", words) if vary else ""
    pixel = f"const word *const p = {source.name} + from * {source.words};"
    tap = f"ky * {node['kernel'][1]} + kx"
    negative = node["pad_sign"] == "negative"
    size = source.shape[0], source.shape[1]
    if depth % 32 == 0:
        count = depth // 32
        first = group * count
        whole = "~(word)0" if negative else "0"
        inside, outside = [pixel], []
        for i in range(count) if count <= 2 else [-1]:
            place, there = ("at" if i == 0 else f"at + {i}"), str(first + i)
            if i < 0:
                place, there = "at + i", f"{first} + i" if first else "i"
            loop = f"for (int32_t i = 0; i < {count}; ++i) " if i < 0 else ""
            masked = f", {mask}[{place}] = ~(word)0" if vary else ""
            unmasked = f", {mask}[{place}] = 0" if vary else ""
            inside.append(f"{loop}{window}[{place}] = p[{there}]{masked};")
            outside.append(f"{loop}{window}[{place}] = {whole}{unmasked};")
        here = (
            f"const int32_t at = ({tap}) * {count};" if count > 1 else f"const int32_t at = {tap};"
        )
        inside, outside = [here, *inside], [here, *outside]
        begin: list[str] = []
    else:
        site.need("bits")
        here = f"const int32_t at = ({tap}) * {depth};"
        inside = [here, pixel, f"put_bits({window}, at, p, {group * depth}, {depth});"]
        outside = []
        begin = [f"memset({window}, 0, {4 * words});"]
        if vary:
            site.need("set_bits")
            inside.append(f"set_bits({mask}, at, {depth});")
            begin.append(f"memset({mask}, 0, {4 * words});")
        elif negative and any(node["padding"]):
            site.need("set_bits")
            outside = [here, f"set_bits({window}, at, {depth});"]
    if vary:
        inside.append(f"inside += {depth};")
    return [*begin, *over_taps(node, size, inside, outside, at)], vary


def _sign_sum(site: Site) -> Body:
    """Channel c is the sum of group c's signs inside the image."""
    site.need("count_bits")
    source = site.source
    taps, depth = _taps(site)
    first = f"c * {depth}" if site.node["groups"] > 1 else "0"
    counted = f"count_bits({source.name} + from * {source.words}, {first}, {depth})"
    summed = over_taps(
        site.node, (source.shape[0], source.shape[1]), [f"v0 += {depth} - 2 * {counted};"]
    )
    return Body("integer", ["int32_t v0 = 0;", *summed], largest=taps * depth)


OPERATIONS = {"binary_conv": _binary_conv, "sign_sum": _sign_sum}
