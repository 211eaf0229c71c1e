"""The windows of a binary convolution: gathered in words, and given to the kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from signbit.bitformat.bits import pack_bits, unpack_bits
from signbit.bitformat.checks import Array
from signbit.targets.c.site import Site
from signbit.targets.c.text import block
from signbit.targets.c.windows import over_taps
from signbit.targets.c.words import Kernel

__all__ = ["of_group", "over_windows", "taps_of", "varies"]

MOST_UNROLLED = 6
"""Words of a window's row that are copied without a loop."""


def taps_of(site: Site) -> tuple[int, int]:
    """Taps of a window, and channels of a group."""
    rows, columns = site.node["kernel"]
    return rows * columns, site.source.channels // site.node["groups"]


def _filters(site: Site) -> Array:
    """The filters in words of 32 bits, as many as their taps take: (out, words)."""
    weight = site.array("weight")
    assert weight is not None
    (taps, depth), copies = taps_of(site), site.node["copies"]
    if copies > 1:
        negative = unpack_bits(weight, taps * depth // copies).reshape(len(weight), taps, -1)
        weight = pack_bits(np.tile(negative, (1, 1, copies)).reshape(len(weight), -1))
    halves = np.ascontiguousarray(weight, "<u8").view("<u4").reshape(len(weight), -1)
    return halves[:, : -(-taps * depth // 32)].astype(np.uint32)


def of_group(site: Site, count: int) -> str:
    """` + ` and how far group g is where each has so many; nothing where there is one group."""
    return "" if site.node["groups"] == 1 else f" + g * {count}"


def varies(site: Site) -> bool:
    """Whether windows reach out of the image, and what they have there does not count."""
    return any(site.node["padding"]) and site.node["pad_sign"] == "none"


def over_windows(
    site: Site,
    compared: bool,
    more: Callable[[int, bool], str],
    kept: Sequence[str] = (),
) -> list[str]:
    """Calls the kernels for an output pixel: for its window, or for each that it is pooled over.

    compared: which kernels. more: the number of a group's filters and whether taps are masked →
    the arguments after the weights. kept: what follows each window (py, px).
    Declares `inside`, the number of taps that count, where that varies.
    """
    stride = site.node["pool_stride"]
    if site.node["pool_kernel"] == (1, 1):
        y, x = (a if by == 1 else f"({a} * {by})" for a, by in zip("yx", stride, strict=True))
        return _at_window(site, (y, x), compared, more)
    rows, columns = site.node["pool_kernel"]
    place = f"(y * {stride[0]} + py)", f"(x * {stride[1]} + px)"
    inner = [*_at_window(site, place, compared, more), *kept]
    across = block(f"for (int32_t px = 0; px < {columns}; ++px)", inner)
    return block(f"for (int32_t py = 0; py < {rows}; ++py)", across)


def _at_window(
    site: Site, at: tuple[str, str], compared: bool, more: Callable[[int, bool], str]
) -> list[str]:
    node, filters = site.node, _filters(site)
    words, groups = filters.shape[1], node["groups"]
    weights = site.pool.constant(filters)
    each = len(filters) // groups

    def call(masked: bool, window: str) -> str:
        wanted = Kernel(words, masked, compared)
        site.pool.kernels.add(wanted)
        mask = "mask, " if masked else ""
        there = weights + of_group(site, each * words)
        return f"{wanted.name}({window}, {mask}{there}, {more(each, masked)});"

    if _is_in_one_piece(site):
        (sy, sx), source = node["stride"], site.source
        pixel = f"{at[0]} * {sy * source.shape[1]} + {at[1]} * {sx}"
        return [call(False, f"{source.name} + ({pixel}) * {source.words}")]
    lines, vary = _gathered(site, at, words)
    plain = call(False, "window")
    if vary:
        taps, depth = taps_of(site)
        masked = call(True, "window")
        lines += [f"if (inside == {taps * depth})", f"  {plain}", "else", f"  {masked}"]
    else:
        lines.append(plain)
    begun = ["int32_t inside = 0;"] if vary else []
    if groups == 1:
        return [*begun, *lines]
    again = ["inside = 0;"] if vary else []
    return [*begun, *block(f"for (int32_t g = 0; g < {groups}; ++g)", again, lines)]


def _is_in_one_piece(site: Site) -> bool:
    """Whether every window lies in memory as the filters do: whole words, row after row."""
    node, source = site.node, site.source
    rows, columns = node["kernel"]
    straight = node["dilation"][1] == 1 or columns == 1
    wide = columns == source.shape[1] and (node["dilation"][0] == 1 or rows == 1)
    aligned = source.channels % 32 == 0 and node["groups"] == 1 and not any(node["padding"])
    return aligned and straight and (rows == 1 or wide)


def _gathered(site: Site, at: tuple[str, str], words: int) -> tuple[list[str], bool]:
    """Copy group g's window; what lies outside the image is 0, and not in the mask.

    Returns whether taps outside do not count, so that there is a mask.
    """
    node, source = site.node, site.source
    _, depth = taps_of(site)
    vary = varies(site)
    window = site.work("window", "word", words)
    mask = site.work("mask", "word", words) if vary else ""
    pixel = f"const word *const p = {source.name} + from * {source.words};"
    tap = f"ky * {node['kernel'][1]} + kx"
    negative = node["pad_sign"] == "negative"
    size = source.shape[0], source.shape[1]
    if depth % 32 == 0:
        count = depth // 32
        first = of_group(site, count)
        whole = "~(word)0" if negative else "0"
        inside, outside = [pixel], []
        for i in range(count) if count <= 2 else [-1]:
            index = "i" if i < 0 else str(i)
            place, there = ("at" if i == 0 else f"at + {index}"), index + first
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
        here = f"const int32_t at = ({tap}) * {depth};"
        inside = [here, pixel, _put(site, depth)]
        outside = []
        begin = [f"memset({window}, 0, {4 * words});"]
        if vary:
            inside.append(_set(site, mask, depth))
            begin.append(f"memset({mask}, 0, {4 * words});")
        elif negative and any(node["padding"]):
            outside = [here, _set(site, window, depth)]
    if vary:
        inside.append(f"inside += {depth};")
    tap_by_tap = [*begin, *over_taps(node, size, inside, outside, at)]
    if not _has_whole_rows(site):
        return tap_by_tap, vary
    starts, test, rows = _by_rows(site, at)
    if vary:
        rows.append(f"inside = {depth * prod(node['kernel'])};")
    if not any(node["padding"]):
        return [*starts, *rows], vary
    return [*starts, *block(f"if ({test})", rows)[:-1], *block("} else", tap_by_tap)], vary


def _put(site: Site, depth: int) -> str:
    """Copy a tap's bits, those of group g, to the window's bits from `at` on, which are 0."""
    first = f"0{of_group(site, depth)}"
    if 32 % depth:
        site.need("bits")
        return f"put_bits(window, at, p, {first}, {depth});"
    if site.node["groups"] == 1:  # no other bit of the word is set
        return "window[at >> 5] |= p[0] << (at & 31);"
    bits = f"p[({first}) >> 5] >> (({first}) & 31) & {(1 << depth) - 1}u"
    return f"window[at >> 5] |= ({bits}) << (at & 31);"


def _set(site: Site, name: str, depth: int) -> str:
    """Set a tap's bits, from `at` on."""
    if 32 % depth:
        site.need("set_bits")
        return f"set_bits({name}, at, {depth});"
    return f"{name}[at >> 5] |= (word){(1 << depth) - 1} << (at & 31);"


def _has_whole_rows(site: Site) -> bool:
    """Whether windows may lie in the image, and their rows are pieces of it, in whole words."""
    node = site.node
    straight = node["dilation"][1] == 1 or node["kernel"][1] == 1
    whole = site.source.channels % 32 == 0 and node["groups"] == 1
    return straight and whole and min(_last(site)) > 0


def _last(site: Site) -> list[int]:
    """Rows and columns at which a window may begin, so that it lies in the image."""
    node, shape = site.node, site.source.shape
    reach = [node["dilation"][axis] * (node["kernel"][axis] - 1) for axis in (0, 1)]
    return [shape[axis] - reach[axis] for axis in (0, 1)]


def _by_rows(site: Site, at: tuple[str, str]) -> tuple[list[str], str, list[str]]:
    """Where a window begins, whether it lies in the image, and how its rows are copied then."""
    node, source = site.node, site.source
    (rows, columns), (down, _), last = node["kernel"], node["dilation"], _last(site)
    starts = [
        f"const int32_t {name} = {place} * {stride} - {before};"
        for name, place, stride, before in zip(
            ("top", "left"), at, node["stride"], node["padding"], strict=False
        )
    ]
    test = f"top >= 0 && top < {last[0]} && left >= 0 && left < {last[1]}"
    wide = columns * source.words
    if wide <= MOST_UNROLLED:
        copied = [f"window[{wide} * ky + {i}] = p[{i}];" for i in range(wide)]
    else:
        copied = [f"for (int32_t i = 0; i < {wide}; ++i) window[{wide} * ky + i] = p[i];"]
    lines = [f"const word *p = {source.name} + (top * {source.shape[1]} + left) * {source.words};"]
    loop = f"for (int32_t ky = 0; ky < {rows}; ++ky, p += {down * source.shape[1] * source.words})"
    return starts, test, [*lines, *block(loop, copied)]
