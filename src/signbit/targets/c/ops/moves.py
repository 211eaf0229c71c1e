"""The operations that move values and round nothing."""

from __future__ import annotations

from signbit.bitformat.validate import arity
from signbit.targets.c.site import Body, Site, Stored


def _moved(source: Stored, pixel: str, channel: str, words: str = "") -> Body:
    """Channel c of the output is a channel of a pixel of the source.

    words: the pixel, where word i of the output is the source's word i there.
    """
    value = source.at(pixel, channel)
    if source.kind == "image":
        return Body("integer", [f"const int32_t v0 = {value};"], largest=255)
    if source.kind == "real":
        return Body("real", [f"float v = {value};"])
    whole = [f"word bits = {source.name}[({words}) * {source.words} + i];"] if words else []
    return Body("bit", [f"const word bit = {value};"], words=whole)


def _identity(site: Site) -> Body:
    return _moved(site.source, "pixel", "c", "pixel")


def _flatten(site: Site) -> Body:
    source = site.source
    if source.kind == "real":
        return _moved(source, "0", "c")
    depth = source.channels
    if depth % 32 == 0:
        return _moved(source._replace(shape=site.shape), "0", "c", "0")
    return _moved(source, f"c / {depth}", f"c % {depth}")


def _concat(site: Site) -> Body:
    read = site.inputs[: arity(site.node)]
    real = read[0].kind == "real"
    lines: list[str] = []
    end = 0
    for source in read:
        first, end = end, end + source.channels
        value = source.at("pixel", f"c - {first}" if first else "c")
        test = "" if end == site.shape[2] else f"if (c < {end}) "
        head = ("else " if first else "") + test
        lines.append(f"{head}{'v' if real else 'bit'} = {value};")
    declared = "float v = 0;" if real else "word bit = 0;"
    return Body("real" if real else "bit", [declared, *lines])


def _slice(site: Site) -> Body:
    first = site.node["first"]
    return _moved(site.source, "pixel", f"c + {first}" if first else "c")


def _upsample(site: Site) -> Body:
    rows, columns = site.node["factor"]
    pixel = f"y / {rows} * {site.source.shape[1]} + x / {columns}"
    return _moved(site.source, pixel, "c", pixel)


def _space_to_depth(site: Site) -> Body:
    block_size, width = site.node["block"], site.source.shape[1]
    row = f"(y * {block_size} + c / {block_size} % {block_size})"
    column = f"x * {block_size} + c % {block_size}"
    return _moved(site.source, f"{row} * {width} + {column}", f"c / {block_size**2}")


def _depth_to_space(site: Site) -> Body:
    block_size, width = site.node["block"], site.source.shape[1]
    pixel = f"y / {block_size} * {width} + x / {block_size}"
    place = f"y % {block_size} * {block_size} + x % {block_size}"
    return _moved(site.source, pixel, f"c * {block_size**2} + {place}")


def _channel_shuffle(site: Site) -> Body:
    groups = site.node["groups"]
    each = site.shape[2] // groups
    return _moved(site.source, "pixel", f"c % {groups} * {each} + c / {groups}")


def _transpose(site: Site) -> Body:
    width = site.source.shape[1]
    if site.node["whole_pixels"]:
        pixel = f"x * {width} + y"
        return _moved(site.source, pixel, "c", pixel)
    return _moved(site.source, f"y * {width} + c", "x")


def _reshape(site: Site) -> Body:
    depth, count = site.source.channels, site.shape[2]
    if depth == count:
        return _moved(site.source, "pixel", "c", "pixel")
    place = f"(pixel * {count} + c)"
    return _moved(site.source, f"{place} / {depth}", f"{place} % {depth}")


OPERATIONS = {
    "channel_shuffle": _channel_shuffle,
    "concat": _concat,
    "depth_to_space": _depth_to_space,
    "flatten": _flatten,
    "identity": _identity,
    "reshape": _reshape,
    "slice": _slice,
    "space_to_depth": _space_to_depth,
    "transpose": _transpose,
    "upsample": _upsample,
}
