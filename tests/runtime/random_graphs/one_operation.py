"""Cases of one operation, or a few that are alike, with any steps; each made from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.runtime.graphs import Builder, Case

from signbit.bitformat.graph import Pair, Shape

GROUPS = (1, 1, 1, 2, 3, 5, 8)
EDGES = (1, 7, 8, 16, 31, 32, 33, 63, 64, 65, 96, 127, 128, 129, 192, 200)


def channels_of(build: Builder, groups: int, most: int) -> int:
    """A multiple of groups up to `most`; half of the time at or near a word's edge."""
    channels = build.choose(EDGES) if build.flag() else build.integer(1, most)
    return groups * max(1, min(channels, most) // groups)


def window(build: Builder, largest: int) -> tuple[Pair, dict[str, Any], Pair]:
    """A kernel, its stride, padding and dilation, and a (height, width) that they fit into."""
    kernel = build.pair(1, largest)
    stride, dilation = build.pair(1, 4), build.pair(1, 3)
    padding = tuple(build.integer(0, 4) for _ in range(4))
    if build.flag():  # both sides alike
        padding = padding[:2] * 2
    if build.flag():  # the common kind, where engines have their fast paths
        kernel = build.choose(((1, 1), (3, 3), (3, 3), kernel))
        stride, padding, dilation = (1, 1), (kernel[0] // 2, kernel[1] // 2) * 2, (1, 1)
    smallest = [
        max(1, dilation[axis] * (kernel[axis] - 1) + 1 - padding[axis] - padding[axis + 2])
        for axis in (0, 1)
    ]
    size = smallest[0] + build.integer(0, 7), smallest[1] + build.integer(0, 7)
    return kernel, {"stride": stride, "padding": padding, "dilation": dilation}, size


def image(build: Builder, shape: Shape) -> tuple[int, int, int]:
    """An image, and it as reals about zero and as signs; their numbers."""
    number = build.input("image", shape)
    return number, *build.prepare(number)


def binary_conv(seed: int) -> Case:
    """image → signs → one binary convolution with any steps (→ fully connected layer)."""
    build = Builder(seed)
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 7)
    _, real, bits = image(build, (*size, channels_of(build, groups, 200)))
    if build.flag():
        build.simple("global_mean", real)
    out = channels_of(build, groups, build.choose((40, 70, 200)))
    build.binary_conv(bits, out, kernel, groups, pool=build.flag(), **windows)
    if build.flag():
        build.head()
    return build.case(build.integer(0, 5))


def adjusted(seed: int) -> Case:
    """image → signs → one binary convolution of any windows with most of map, sums and borders."""
    build = Builder(seed)
    build.parts = 0.8
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 5)
    _, _, bits = image(build, (*size, channels_of(build, groups, 130)))
    out = channels_of(build, groups, build.choose((40, 150)))
    build.binary_conv(bits, out, kernel, groups, **windows)
    return build.case(build.integer(0, 3))


def copied(seed: int) -> Case:
    """image → signs → one binary convolution whose weights meet several maps side by side."""
    build = Builder(seed)
    groups, copies = build.choose(GROUPS), build.integer(2, 7)
    kernel, windows, size = window(build, 4)
    channels = channels_of(build, groups, 130) * copies
    _, _, bits = image(build, (*size, channels))
    taps = kernel[0] * kernel[1] * channels // groups
    out = channels_of(build, groups, 70)
    keys = build.conv_keys(kernel, groups, windows, build.packed(out, taps // copies))
    build.group(bits, groups)
    draft = build.draft("binary_conv", [bits], taps, out, taps**0.5, copies=copies, **keys)
    build.finish(draft)
    return build.case(build.integer(0, 5))


def linear(seed: int) -> Case:
    """image → signs → two fully connected layers: the first spans the image, then 1×1."""
    build = Builder(seed)
    size = build.pair(1, 6)
    _, _, bits = image(build, (*size, channels_of(build, 1, 200)))
    build.binary_conv(bits, channels_of(build, 1, 150), size)
    build.head()
    return build.case(build.integer(0, 5))


def real_conv(seed: int) -> Case:
    """image → one real convolution, on pixels, on reals or on signs."""
    build = Builder(seed)
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 5)
    source = build.choose(image(build, (*size, groups * build.integer(1, 3))))
    out = channels_of(build, groups, build.choose((40, 140)))
    build.real_conv(source, out, kernel, groups, **windows)
    return build.case(build.integer(0, 5))


def real_head(seed: int) -> Case:
    """image → a fully connected layer on reals at the end, for few images or many."""
    build = Builder(seed)
    _, source, _ = image(build, (*build.pair(1, 2), build.integer(1, 40)))
    build.most_signs = 0
    if build.flag():
        (source,) = build.simple("global_mean", source)
    height, width, _ = build.shape(source)
    build.real_conv(source, build.integer(1, 140), (height, width))
    return build.case(build.choose((0, 1, 2, 3, 7, 63, 66, 131)))


def int16_stem(seed: int) -> Case:
    """image → one convolution of pixels with int16 weights (→ fully connected layer)."""
    build = Builder(seed)
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 7)
    source = build.input("image", (*size, groups * build.choose((1, 2, 3, 3, 3, 4))))
    out = channels_of(build, groups, build.choose((40, 140)))
    build.int16_stem(source, out, kernel, groups, **windows)
    if build.of_kind("bits"):
        build.head()
    return build.case(build.integer(0, 5))


def looked_up(seed: int) -> Case:
    """image whose pixels are looked up → reals and signs of it, and a convolution."""
    build = Builder(seed)
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 5)
    source = build.looked_up((*size, groups * build.integer(1, 3)))
    build.prepare(source)
    convolve = build.choose((build.real_conv, build.int16_stem))
    convolve(source, channels_of(build, groups, build.choose((40, 140))), kernel, groups, **windows)
    return build.case(build.integer(0, 5), outputs=build.integer(1, 2))


def sign_sum(seed: int) -> Case:
    """image → signs → the sums of their groups in any windows, and the means of magnitudes."""
    build = Builder(seed)
    groups = build.choose(GROUPS)
    kernel, windows, size = window(build, 7)
    _, real, bits = image(build, (*size, channels_of(build, groups, 200)))
    build.sign_sum(bits, 1, kernel, groups, **windows)
    build.simple("mean_abs", real)
    return build.case(build.integer(0, 4))


def pool(seed: int) -> Case:
    """image → pools and means of all kinds, of reals and of signs."""
    build = Builder(seed)
    _, real, bits = image(build, (*build.pair(1, 12), channels_of(build, 1, 70)))
    build.pool(build.choose(("max_pool", "avg_pool")), real, plain=build.flag())
    build.pool("max_pool", bits)
    build.simple(build.choose(("global_mean", "global_max")), real)
    build.simple("global_max", bits)
    return build.case(build.integer(0, 4), outputs=build.integer(1, 2))


def multiplied(seed: int) -> Case:
    """image → reals → a value per pixel → the image or the reals, times it."""
    build = Builder(seed)
    build.parts = 0.9
    source, real, bits = image(build, (*build.pair(1, 9), channels_of(build, 1, 150)))
    build.stored_sums(bits, 1, {"kernel": (1, 1)})
    build.identity(build.choose((source, real, real)))
    return build.case(build.integer(0, 4))


def over_channels(seed: int) -> Case:
    """image → what is made of all channels of a pixel, and squeeze and excite."""
    build = Builder(seed)
    _, real, _ = image(build, (*build.pair(1, 6), channels_of(build, 1, 150)))
    build.simple("softmax", real)
    build.l2_normalise(real)
    build.simple("mean_abs", real)
    build.gate(real)
    return build.case(build.integer(0, 4), outputs=build.integer(1, 3))


def any_operation(seed: int) -> Case:
    """image → operations without weights that the table has, one after the other."""
    build = Builder(seed)
    sources: list[int] = list(image(build, (*build.pair(1, 6), channels_of(build, 1, 70))))
    for _ in range(build.integer(1, 4)):
        sources += build.any_operation(build.choose((sources[-1], build.choose(sources))))
    return build.case(build.integer(0, 4), outputs=build.integer(1, 3))


def rearranged(seed: int) -> Case:
    """image → some operations that move values, of reals or of signs → a convolution."""
    build = Builder(seed)
    sources: list[int] = list(image(build, (*build.pair(1, 6), channels_of(build, 1, 40))))
    source = build.choose(sources[1:])
    for _ in range(build.integer(1, 4)):
        source = build.choose(rearrange(build, source))
    height, width, channels = build.shape(source)
    kernel = build.integer(1, min(3, height)), build.integer(1, min(3, width))
    if build.tensors[source].kind == "bits":
        build.binary_conv(source, build.integer(1, 40), kernel, padding=(1, 0, 0, 1))
    elif channels <= 64:
        build.real_conv(source, build.integer(1, 20), kernel)
    return build.case(build.integer(0, 4), outputs=build.integer(1, 3))


def rearrange(build: Builder, source: int) -> list[int]:
    """An operation that moves values; what would make a large tensor is left out."""
    small = int(np.prod(build.shape(source))) <= 1000
    grows = (build.flatten, build.upsample, build.upsample) if small else ()
    move = build.choose(
        (build.slice, build.concat, build.space_to_depth, build.depth_to_space, *grows)
    )
    return move(source)
