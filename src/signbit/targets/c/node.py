"""The function of one node: loops over pixels and channels around its operation, steps, outputs."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from signbit.bitformat.graph import Output, Step
from signbit.targets.c.ops import OPERATIONS
from signbit.targets.c.signs import after, flips, least_integers
from signbit.targets.c.site import Body, Site, narrowest
from signbit.targets.c.steps import STEPS, pixel_of
from signbit.targets.c.text import block, comment, literal

__all__ = ["Written", "is_a_copy", "node_function"]


class Written(NamedTuple):
    """A node's function: its lines, and the names that it is called with.

    floats: whether it computes with floats; to store an integer as one is not to compute.
    float_sums: whether the operation itself does, and not only what follows it.
    """

    lines: list[str]
    arguments: list[str]
    floats: bool
    float_sums: bool


def is_a_copy(site: Site) -> bool:
    """Whether the node only moves reals to where they are, in memory that it may share."""
    node, kinds = site.node, [output.kind for output in site.node.outputs]
    real = site.source.kind == "real"
    return real and node.op in ("identity", "flatten") and not node.steps and kinds == ["real"]


def node_function(site: Site, name: str) -> Written:
    """`static void name(inputs, outputs, memory to work in)`, of those that it uses."""
    body = OPERATIONS[site.node.op](site) if site.summed is None else _means(site, site.summed)
    down = _over_pixels(site, [*body.pixel, *_channels(site, body)])
    types = {
        **{each.name: f"const {each.c_type}" for each in site.read},
        **{each.name: each.c_type for each in site.outputs},
        **{work: c_type for work, (c_type, _) in site.scratch.items()},
    }
    arguments = [each for each in types if _uses(down, each)]
    parameters = ", ".join(f"{types[each]} *{each}" for each in arguments)
    title = f"/* {comment(site.node.name)}: {site.node.op} */"
    lines = [title, *block(f"static NOINLINE void {name}({parameters})", down)]
    floats = (
        body.yields == "real"
        or bool(_steps(site))
        or not all(
            output.kind == "real" or body.stored or _integer_test(site, body, output)
            for output in site.node.outputs
        )
    )
    return Written(lines, arguments, floats, body.yields == "real")


def _over_pixels(site: Site, inner: list[str], begun: str = "", ended: str = "") -> list[str]:
    """Loops over all output pixels; `begun` and `ended` stand around those of a row."""
    height, width, _ = site.shape
    for index, step in enumerate(_steps(site)):
        inner = [*pixel_of(site, index, step), *inner]
    if _uses(inner, "pixel"):
        inner = [f"const int32_t pixel = y * {width} + x;", *inner]
    across = block(f"for (int32_t x = 0; x < {width}; ++x)", inner)
    around = [line for line in (begun, *across, ended) if line]
    return block(f"for (int32_t y = 0; y < {height}; ++y)", around)


def _means(site: Site, made: Site) -> Body:
    """The global mean of values that are computed here: rows are summed, and then their sums."""
    body = OPERATIONS[made.node.op](made)
    height, width, channels = made.shape
    row, sums = site.work("row", "real", channels), site.work("sums", "real", channels)
    loop = f"for (int32_t c = 0; c < {channels}; ++c)"
    added = block(loop, _values(made, body), f"{row}[c] += v;")
    begun, ended = f"memset({row}, 0, {4 * channels});", f"{loop} {sums}[c] += {row}[c];"
    pixels = _over_pixels(made, [*body.pixel, *added], begun, ended)
    mean = f"float v = {sums}[c] / {literal(np.float32(height * width))};"
    return Body("real", [mean], [f"memset({sums}, 0, {4 * channels});", *pixels])


def _uses(lines: list[str], name: str) -> bool:
    return any(re.search(rf"\b{name}\b", line) for line in lines)


def _steps(site: Site) -> tuple[Step, ...]:
    """The steps that an output follows."""
    return site.node.steps[: max(after(site, output) for output in site.node.outputs)]


def _channels(site: Site, body: Body) -> list[str]:
    """The loop over channels, in words where signs are written."""
    if body.stored:
        return list(body.stored)
    outputs = list(zip(site.node.outputs, site.outputs, strict=True))
    signs = [(output, tensor) for output, tensor in outputs if output.kind == "signs"]
    if body.words and len(signs) == len(outputs) and all(_is_the_bit(site, o) for o, _ in signs):
        stored = [_store(site, output, tensor.name, "bits") for output, tensor in signs]
        return block(f"for (int32_t i = 0; i < {site.outputs[0].words}; ++i)", body.words, stored)
    lines = _values(site, body, stored=True)
    channels = site.shape[2]
    if not signs:
        return block(f"for (int32_t c = 0; c < {channels}; ++c)", lines)
    words, rest = divmod(channels, 32)
    begun = [f"word bits{tensor.number} = 0;" for _, tensor in signs]
    ended = [_store(site, output, tensor.name, f"bits{tensor.number}") for output, tensor in signs]
    if rest:
        missing = f"{32 - rest}" if not words else f"(i == {words} ? {32 - rest} : 0)"
        ended[:0] = [f"bits{tensor.number} >>= {missing};" for _, tensor in signs]
    if rest and words:
        loop = f"for (int32_t c = 32 * i; c < 32 * i + 32 && c < {channels}; ++c)"
    else:
        loop = f"for (int32_t c = 32 * i; c < 32 * i + {rest or 32}; ++c)"
    inner = block(loop, lines)
    return block(f"for (int32_t i = 0; i < {site.outputs[0].words}; ++i)", begun, inner, ended)


def _values(site: Site, body: Body, *, stored: bool = False) -> list[str]:
    """A channel's value, through all steps; stored: on the way what the node writes is stored."""
    lines = list(body.value)
    if _needs_v(site, body):
        made = "(float)v0" if body.yields == "integer" else "bit ? -1.0f : 1.0f"
        lines.append(f"float v = {made};")
    lines += _written(site, body, 0) if stored else []
    for index, step in enumerate(_steps(site)):
        lines.append(STEPS[step.op](site, index, step))
        lines += _written(site, body, index + 1) if stored else []
    return lines


def _needs_v(site: Site, body: Body) -> bool:
    """Whether an integer or a bit is also needed as the float v."""
    if body.yields == "real":
        return False
    outputs = site.node.outputs
    return bool(_steps(site)) or any(
        output.kind == "real" or _integer_test(site, body, output) is None for output in outputs
    )


def _written(site: Site, body: Body, steps: int) -> list[str]:
    """Store what follows so many steps."""
    lines = []
    for output, tensor in zip(site.node.outputs, site.outputs, strict=True):
        if after(site, output) != steps:
            continue
        if output.kind == "real":
            lines.append(f"{tensor.name}[pixel * {tensor.channels} + c] = v;")
        else:
            bits = f"bits{tensor.number}"
            lines.append(f"{bits} = {bits} >> 1 | {_negative(site, body, output)};")
    return lines


def _negative(site: Site, body: Body, output: Output) -> str:
    """The sign as bit 31, before any flip."""
    test = _integer_test(site, body, output)
    if test is not None:
        return test
    threshold = None if output.threshold is None else site.arrays[output.threshold]
    than = "0" if threshold is None else site.per_channel(threshold)
    return f"(word)(v < {than}) << 31"


def _is_the_bit(site: Site, output: Output) -> bool:
    return output.threshold is None and after(site, output) == 0


def _integer_test(site: Site, body: Body, output: Output) -> str | None:
    """The sign of what needs no float, as bit 31; None where it needs one."""
    if after(site, output) != 0:
        return None
    if body.yields == "bit" and output.threshold is None:
        return "bit << 31"
    if body.yields != "integer":
        return None
    threshold = least_integers(site, output, body.largest)
    if body.largest < 1 << 24:
        than = site.per_channel(narrowest(threshold))
        return f"((word)(v0 - {than}) & 0x80000000u)"
    return f"(word)(v0 < {site.per_channel(threshold.astype(np.int32))}) << 31"


def _store(site: Site, output: Output, name: str, bits: str) -> str:
    """Store word i of the signs, flipped where the file says so."""
    index = "pixel" if site.outputs[0].words == 1 else f"pixel * {site.outputs[0].words} + i"
    return f"{name}[{index}] = {bits}{flips(site, output)};"
