"""Int16 stems: the reference's integers against hand-written loops; every engine's extremes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.bitformat.samples import int16_filter, int16_sample
from tests.runtime import oracle
from tests.runtime.graphs import Case
from tests.runtime.strategies import int16_networks, int16_stems

import signbit
from signbit.bitformat import encode
from signbit.bitformat.int16_stem import is_int16
from signbit.errors import InputError
from signbit.runtime.reference import ReferenceEngine


def check_sums(case: Case) -> None:
    """Every int16 stem's integers, and their integer thresholds, are the oracle's."""
    values = ReferenceEngine(case.data).run_nodes(case.feeds, case.fetches)
    for node, numbers in zip(case.graph.nodes, case.written(), strict=True):
        if not is_int16(node, case.constants):
            continue
        pad = np.zeros(case.tensors[node.inputs[0]].shape[2], np.uint8)
        if node["pad_value"] is not None:
            pad = case.constants[str(node["pad_value"])]
        sums = oracle.pixel_conv(
            values[node.inputs[0]],
            case.constants[str(node["weight"])],
            pad,
            node["stride"],
            node["padding"],
            node["dilation"],
            node["groups"],
        )
        assert values[f"{node.name}#dots"].dtype == np.int32
        np.testing.assert_array_equal(values[f"{node.name}#dots"], sums)
        for number, output in zip(numbers, node.outputs, strict=True):
            if output.threshold is None:
                continue
            threshold = case.constants[str(output.threshold)]
            if threshold.dtype == np.int32:
                flip = 0 if output.flip is None else case.constants[str(output.flip)]
                np.testing.assert_array_equal(values[number], (sums < threshold) ^ flip)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=int16_stems)
def test_sums(case: Case) -> None:
    check_sums(case)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(case=int16_networks)
def test_sums_in_networks(case: Case) -> None:
    check_sums(case)


IMAGE, STEM = 0, 1


def extremes() -> tuple[bytes, np.ndarray, np.ndarray]:
    """A file of one filter, images (6, 1, 1029, 1), and sums (6,): some beyond ±2³⁰."""
    data = int16_filter(1029, (2**31 - 1) // 255 - 1028 * 8191)
    weight = ReferenceEngine(data).constants["0"].ravel().astype(np.int64)
    bright = 255 * np.uint8([weight > 0, weight < 0]).reshape(2, 1, 1029, 1)
    images = np.concatenate([bright, np.maximum(bright, 1), np.minimum(bright, 253)])
    return data, images, (images.reshape(6, 1029).astype(np.int64) * weight).sum(1)


ENGINES: dict[str, Callable[[bytes], Any]] = {
    "numpy": ReferenceEngine,
    **{isa: partial(signbit.load, isa=isa, threads=2) for isa in signbit.cpu_isas()},
}

every_engine = pytest.mark.parametrize("load", ENGINES.values(), ids=ENGINES)


@every_engine
def test_the_largest_sums(load: Callable[[bytes], Any]) -> None:
    """Beyond 2³⁰ float32 holds every 128th integer: rounded to nearest even."""
    data, images, sums = extremes()
    values = load(data).run_nodes({IMAGE: images}, ["stem#dots", STEM])
    assert values["stem#dots"].dtype == np.int32
    assert values["stem#dots"].ravel().tolist() == sums.tolist()
    rounded = [float(np.float64(total).astype(np.float32)) for total in sums]
    assert values[STEM].ravel().tolist() == rounded
    assert max(abs(sums)) > 2**30
    assert any(sums != np.int64(rounded))


@every_engine
def test_only_pixels_are_taken(load: Callable[[bytes], Any]) -> None:
    engine = load(encode(*int16_sample()))
    images = np.random.default_rng(3).integers(0, 256, (2, 5, 4, 3)).astype(np.uint8)
    assert engine(images)["logits"].shape == (2, 6)
    message = "^'image': this model takes uint8 pixels, as it has an int16 stem or a table of "
    message += "pixels$"
    with pytest.raises(InputError, match=message):
        engine(images.astype(np.float32))
    with pytest.raises(InputError, match=message):
        engine.run_nodes({IMAGE: images.astype(np.float32)}, ["conv#dots"])
    with pytest.raises(InputError, match="must be a NumPy array of uint8, is float64"):
        engine(images.astype(np.float64))
    with pytest.raises(InputError, match=r"neither .* int16 stem>#dots"):
        engine.run_nodes({IMAGE: images}, ["mean#dots"])


def test_explain_takes_only_pixels_too() -> None:
    engine = signbit.load(encode(*int16_sample()), threads=1)
    assert engine.explain(np.zeros((1, 5, 4, 3), np.uint8))[0]["op"] == "real_conv"
    with pytest.raises(InputError, match="this model takes uint8 pixels"):
        engine.explain(np.zeros((1, 5, 4, 3), np.float32))
