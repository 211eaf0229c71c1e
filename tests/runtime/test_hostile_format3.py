"""Files that lie about the parts of version 3: each is refused by both readers, and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.bitformat.format3_sample import (
    BOX,
    CONVOLVE,
    HEAD,
    MEAN,
    PREPARE,
    SUM,
    format3_sample,
)
from tests.bitformat.samples import Constants, with_constants, with_graph
from tests.runtime.readers import reader

from signbit.bitformat import encode
from signbit.errors import ModelFileError, ModelVersionError

IMAGE, X, X_BITS, A, K, S = range(6)


def graph(change: Callable[[dict[str, Any]], object]) -> bytes:
    return with_graph(change, format3_sample)


def node(index: int, **changes: Any) -> bytes:
    return graph(lambda value: value["nodes"][index].update(changes))


def without(index: int, *keys: str) -> bytes:
    def change(value: dict[str, Any]) -> None:
        for key in keys:
            del value["nodes"][index][key]

    return graph(change)


def constants(change: Callable[[Constants], object]) -> bytes:
    return with_constants(change, format3_sample)


def constant(name: str, array: Any) -> bytes:
    return constants(lambda arrays: arrays.update({name: array}))


def poke(name: str, value: Any) -> bytes:
    return constants(lambda arrays: arrays[name].flat.__setitem__(-1, value))


def _versions() -> Iterator[tuple[str, bytes]]:
    for version in (0, 1, 2):
        yield f"says version {version}", graph(lambda g, v=version: g.update(format=v))


def _maps_and_sums() -> Iterator[tuple[str, bytes]]:
    for value in ("nowhere", "y", "x", "s", "x.bits", "image", None, 3, ["k"], {"tensor": "k"}):
        yield f"map {value!r}", node(CONVOLVE, map=value)
    sums = {"tensor": "s", "scale": "conv.sums"}
    for value in ("nowhere", "y", "x", "k", "x.bits", "image", None, 3):
        yield f"sums of {value!r}", node(CONVOLVE, sums={**sums, "tensor": value})
    for value in ("nowhere", "x.scale", "conv.flip", "conv.shift", None, 3):
        yield f"sums with scale {value!r}", node(CONVOLVE, sums={**sums, "scale": value})
    for value in ("s", None, ["s", "conv.sums"], {"tensor": "s"}, {"scale": "conv.sums"}):
        yield f"sums {value!r}", node(CONVOLVE, sums=value)
    yield "sums of another key", node(CONVOLVE, sums={**sums, "shift": "conv.offset"})
    yield "no sums but their scale", without(CONVOLVE, "sums")
    for index in (PREPARE, MEAN, BOX, SUM, HEAD):
        yield f"map of node {index}", node(index, map="k")
        yield f"sums of node {index}", node(index, sums=sums)
    yield "map with a pool", node(CONVOLVE, pool={"kernel": [1, 1], "stride": [1, 1]})


def _shifts() -> Iterator[tuple[str, bytes]]:
    for shape in ((10,), (3, 3, 10)):
        yield f"NaN in a shift of {shape}", constant("conv.shift", np.full(shape, np.nan, "f4"))
    for shape in ((9,), (1, 10), (3, 3), (3, 2, 10), (3, 3, 9), (9, 1, 10), (1, 1, 10)):
        yield f"a shift of {shape}", constant("conv.shift", np.zeros(shape, np.float32))
    for shape in ((3, 0, 10), (0, 0, 0), (3, 3, 10, 1)):
        yield f"a shift of {shape}", constant("conv.shift", np.zeros(shape, np.float32))
    yield "integers by border", constant("conv.shift", np.zeros((3, 3, 10), np.int32))
    yield "a scale by border", constant("conv.scale", np.zeros((3, 3, 10), np.float32))
    yield "a shift by border of pixels", constant("x.shift", np.zeros((1, 1, 4), np.float32))
    yield "other windows than the shift's", node(CONVOLVE, padding=[3, 1], dilation=[3, 1])
    yield "a border shift alone", without(CONVOLVE, "scale")
    only = {"map": None, "sums": None}
    pool = {"kernel": [1, 1], "stride": [1, 1]}

    def pooled(value: dict[str, Any]) -> None:
        conv = value["nodes"][CONVOLVE]
        for key in only:
            del conv[key]
        conv["pool"] = pool

    yield "a border shift with a pool", graph(pooled)


def _epilogues() -> Iterator[tuple[str, bytes]]:
    for key in ("slope", "positive_slope", "offset"):
        for value in ("nowhere", "x.scale", "conv.flip", "conv.shift", None, 3):
            yield f"{key} {value!r}", node(CONVOLVE, **{key: value})
    for name in ("conv.slope", "conv.positive", "conv.offset", "conv.sums"):
        yield f"infinity in {name}", poke(name, np.inf)
        yield f"too few of {name}", constant(name, np.zeros(9, np.float32))
    yield "no slope", without(CONVOLVE, "slope")
    yield "no positive slope", without(CONVOLVE, "positive_slope")
    yield "no offset but its constant", without(CONVOLVE, "offset")
    for activation in ("prelu", "relu", "Maxout", "", None):
        yield f"activation {activation!r}", node(CONVOLVE, activation=activation)
    yield "an integer threshold", constant("conv.threshold", np.zeros(10, np.int32))
    shortcut = {"tensor": "x", "stride": [1, 1], "offset": 0}
    for value in (False, None, 1, 0, "true", [True]):
        yield f"repeat {value!r}", node(CONVOLVE, shortcut={**shortcut, "repeat": value})
    repeated = {**shortcut, "repeat": True}
    yield "repeat with an offset", node(CONVOLVE, shortcut={**repeated, "offset": 1})
    yield "repeat outside", node(CONVOLVE, shortcut={**repeated, "stride": [2, 1]})


def _ops() -> Iterator[tuple[str, bytes]]:
    for key in ("kernel", "stride", "padding", "dilation", "groups"):
        yield f"a sign_sum without {key}", without(SUM, key)
    for groups in (0, -1, 1, 3, 4, 8, 65_537, 2**40, None, 2.0):
        yield f"a sign_sum of {groups!r} groups", node(SUM, groups=groups)
    for kernel in ([0, 3], [3, 16_385], [9, 9], [3], None):
        yield f"a sign_sum of kernel {kernel!r}", node(SUM, kernel=kernel)
    for source in ("x", "image", "y.bits", "nowhere"):
        yield f"a sign_sum of {source}", node(SUM, input=source)
    for source in ("x.bits", "image", "y", "nowhere"):
        yield f"a mean_abs of {source}", node(MEAN, input=source)
    yield "a sign_sum with weights", node(SUM, weight="conv.weight")
    yield "a mean_abs with a kernel", node(MEAN, kernel=[1, 1])
    yield "a mean_abs of two channels", graph(lambda g: g["tensors"][A].update(channels=2))
    yield "sums of three channels", graph(lambda g: g["tensors"][S].update(channels=3))
    yield "sums that bits hold", graph(lambda g: g["tensors"][S].update(kind="bits"))

    def regrouped(value: dict[str, Any]) -> None:
        value["nodes"][SUM]["groups"] = value["tensors"][S]["channels"] = 4

    yield "sums of other groups", graph(regrouped)


def _real_convs() -> Iterator[tuple[str, bytes]]:
    yield "a tail bit of packed reals", poke("head.weight", 1 << 44)
    yield "too few words", constant("head.weight", np.zeros((3, 4), np.uint64))
    yield "too many words", constant("head.weight", np.zeros((3, 6), np.uint64))
    yield "packed, but of four dimensions", constant("head.weight", np.zeros((3, 6, 5, 10), "u8"))
    yield "real, but packed", constant("head.weight", np.zeros((3, 5), np.float32))
    yield "int16 weights of bits", constant("head.weight", np.zeros((3, 6, 5, 10), np.int16))
    yield "integer weights", constant("head.weight", np.zeros((3, 6, 5, 10), np.int32))
    yield "no filter", constant("head.weight", np.zeros((0, 5), np.uint64))

    def padded(arrays: Constants) -> None:
        arrays["head.pad"] = np.zeros(10, np.uint8)

    data = constants(padded)
    yield "pads that no node names", data


HOSTILE = {
    name: data
    for cases in (_versions, _maps_and_sums, _shifts, _epilogues, _ops, _real_convs)
    for name, data in cases()
}


@reader
def test_the_sample_itself_is_read(read: Callable[[bytes], object]) -> None:
    read(encode(*format3_sample()))


@reader
@pytest.mark.parametrize("name", HOSTILE)
def test_refused(read: Callable[[bytes], object], name: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        read(HOSTILE[name])
    assert not isinstance(caught.value, ModelVersionError)
    assert len(str(caught.value)) > 10


@reader
@pytest.mark.parametrize(
    ("data", "field"),
    [
        (graph(lambda g: g.update(format=2)), r"^format: nodes\[1\].*needs version 3, is 2"),
        (node(CONVOLVE, map="s"), r"nodes\[4\].*map: 's' must be"),
        (node(CONVOLVE, sums={"tensor": "x", "scale": "conv.sums"}), r"sums\.tensor: 'x' must"),
        (poke("conv.shift", np.nan), "shift: 'conv.shift' has a value that is not finite"),
        (constant("conv.shift", np.zeros((3, 2, 10), np.float32)), r"shape \(3, 3, 10\) or"),
        (without(CONVOLVE, "positive_slope"), r"positive_slope"),
        (node(CONVOLVE, offset="x.scale"), r"offset: 'x.scale' must have shape \(10,\)"),
        (node(SUM, groups=3), r"nodes\[3\].*groups: 3 does not divide"),
    ],
)
def test_the_error_names_the_field(
    read: Callable[[bytes], object], data: bytes, field: str
) -> None:
    with pytest.raises(ModelFileError, match=field):
        read(data)
