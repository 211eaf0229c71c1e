"""Cases of networks of any nodes; each made from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.runtime.graphs import Builder, Case
from tests.runtime.random_graphs.one_operation import channels_of, image, rearrange

from signbit.bitformat.graph import Shape, at_size
from signbit.bitformat.validate import validate
from signbit.errors import ModelFileError


def network(seed: int) -> Case:
    """image → signs → three to eight nodes of any kind, each reading any tensors there are."""
    return _network(Builder(seed), stems=0)


def int16_network(seed: int) -> Case:
    """As `network`, with one or two int16 stems beside the first signs."""
    build = Builder(seed)
    return _network(build, stems=build.integer(1, 2))


def several(seed: int) -> Case:
    """Two or three inputs, images or vectors or maps, and one to four outputs, reals or signs."""
    build = Builder(seed)
    shapes: list[Shape] = [(*build.pair(1, 9), channels_of(build, 1, 40))]
    for _ in range(build.integer(1, 2)):
        same = (*shapes[0][:2], build.integer(1, 40))
        shapes.append(build.choose((same, same, (1, 1, build.integer(1, 40)))))
    numbers = [build.input(build.choose(("image", "real")), shape) for shape in shapes]
    for number in numbers:
        build.prepare(number)
    for _ in range(build.integer(2, 6)):
        _any_node(build)
    return build.case(build.integer(0, 4), outputs=build.integer(1, 4))


def resized(seed: int) -> Case:
    """A network of any size, at another size of its image: odd, even, of one row, of one column."""
    build = Builder(seed)
    build.any_size = True
    pixels, _, _ = image(
        build, (build.integer(4, 9), build.integer(4, 9), channels_of(build, 1, 40))
    )
    if build.flag():
        _small_conv(build, pixels, build.int16_stem)
    for _ in range(build.integer(2, 5)):
        choices = (build.of_kind("real"), build.of_kind("bits"))
        kind = build.choose(("convolution", "convolution", "pool", "mean", "identity", "upsample"))
        if kind == "convolution":
            _any_conv(build)
        elif kind == "pool":
            build.pool("max_pool", build.choose(build.choose(choices)))
        elif kind == "mean":
            build.simple("global_mean", build.choose(choices[0]))
        elif kind == "upsample":
            build.upsample(build.choose(choices[0]))
        else:
            build.identity(build.choose(choices[0]))
    case = build.case(build.integer(0, 3), outputs=build.integer(1, 2))
    for _ in range(20):
        size = build.pair(1, 12)
        try:
            validate(at_size(case.graph, size), case.constants)
        except ModelFileError:
            continue
        given = replace(case.graph.inputs[0], shape=(*size, case.graph.inputs[0].shape[2]))
        batch = build.batch(given, case.batch, case.takes_floats)
        return replace(case, feeds={0: batch}, input_size=size)
    return case


def _network(build: Builder, stems: int) -> Case:
    pixels, _, _ = image(build, (*build.pair(1, 12), channels_of(build, 1, 70)))
    for _ in range(stems):
        _small_conv(build, pixels, build.int16_stem)
    for _ in range(build.integer(3, 8)):
        _any_node(build)
    build.head()
    return build.case(build.integer(0, 5), outputs=build.choose((1, 1, 2, 3)))


def _any_node(build: Builder) -> None:
    real, bits = build.of_kind("real"), build.of_kind("bits")
    kind = build.choose(("convolution", "convolution", "pool", "channels", "moving", "identity"))
    if kind == "convolution":
        _any_conv(build)
    elif kind == "pool":
        op = build.choose(("max_pool", "avg_pool", "global_mean", "global_max"))
        source = build.choose(real if op in ("avg_pool", "global_mean") else real + bits)
        if op.endswith("pool"):
            build.pool(op, source)
        else:
            build.simple(op, source)
    elif kind == "channels":
        op = build.choose(("mean_abs", "softmax", "l2_normalise", "gate"))
        source = build.choose(real)
        if op == "l2_normalise":
            build.l2_normalise(source)
        elif op == "gate":
            build.gate(source)
        else:
            build.simple(op, source)
    elif kind == "moving":
        rearrange(build, build.choose(real + bits))
    else:
        build.identity(build.choose(build.of_kind("image", "real", "bits")))


def _any_conv(build: Builder) -> None:
    real, bits = build.of_kind("real"), build.of_kind("bits")
    op = build.choose(("binary_conv", "binary_conv", "real_conv", "sign_sum"))
    if op == "real_conv":
        _small_conv(build, build.choose(real + bits), build.real_conv)
    elif op == "sign_sum":
        _small_conv(build, build.choose(bits), build.sign_sum)
    else:
        pooled = build.flag()
        _small_conv(
            build,
            build.choose(bits),
            lambda *args, **keys: build.binary_conv(*args, pool=pooled, **keys),
        )


def _small_conv(build: Builder, source: int, convolve: Callable[..., list[int]]) -> None:
    height, width, channels = build.shape(source)
    groups = 2 if channels % 2 == 0 and build.flag() else 1
    kernel = build.integer(1, min(3, height)), build.integer(1, min(3, width))
    padding = tuple(build.integer(0, 1) for _ in range(4))
    out = groups * build.integer(1, 12)
    convolve(source, out, kernel, groups, stride=build.pair(1, 2), padding=padding)
