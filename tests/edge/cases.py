"""Files and batches for machines that are not this one: every operation, and whole networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.bitformat.samples import SAMPLES
from tests.runtime.identity import bits, named
from tests.runtime.random_graphs.networks import network
from tests.runtime.random_graphs.one_operation import any_operation
from tests.thorough import many

import signbit
from signbit.bitformat import encode
from subjects.cnv_network import cnv_network
from subjects.digits_network import digits_network
from subjects.networks import compiled_bytes

Array = npt.NDArray[np.generic]

GRAPHS = many(24)
"""Of each kind that is drawn."""


def batches(data: bytes, count: int) -> list[Array]:
    """Samples for each input of a file, the same in every run."""
    draws = np.random.default_rng(count)
    drawn: list[Array] = []
    for given in signbit.load(data).inputs:
        pixels = draws.integers(0, 256, (count, *given.shape))
        drawn.append(pixels.astype(np.uint8 if given.kind == "image" else np.float32))
    return drawn


def cases() -> list[tuple[bytes, list[Array]]]:
    """Files and what they are fed with: every operation and step."""
    samples = [encode(*make()) for make in SAMPLES.values()]
    drawn = [make(seed) for make in (any_operation, network) for seed in range(GRAPHS)]
    return [
        *((data, batches(data, count)) for data in samples for count in (1, 5)),
        *((case.data, [case.feeds[n] for n in sorted(case.feeds)]) for case in drawn),
    ]


@cache
def networks() -> dict[str, bytes]:
    """The demo's network, and SD-BNN ResNet-20 with either stem."""
    return {
        "demo": digits_network("sdbnn"),
        "resnet20": compiled_bytes("sdbnn-resnet20"),
        "resnet20, int16 stem": compiled_bytes("sdbnn-resnet20", int16_stem=True),
    }


def published(shared_data: Path) -> bytes:
    """CNV-W1A1, by its authors' weights."""
    return cnv_network(shared_data / "weights" / "cnv-w1a1-cifar10.safetensors")


def expected(data: bytes, inputs: list[Array]) -> list[Array]:
    """The outputs of the scalar engine of this machine, in the file's order."""
    engine = signbit.load(data, threads=1, isa="scalar")
    given = {each.name: array for each, array in zip(engine.inputs, inputs, strict=True)}
    return list(named(engine(given if len(inputs) > 1 else inputs[0])).values())


def assert_same_answers(found: bytes, wanted: Sequence[Array], what: object) -> None:
    """The bytes of all outputs, one after the other, against `expected`: equal bit for bit.

    Any NaN equals any other, as its bits are the processor's.
    """
    assert len(found) == sum(array.nbytes for array in wanted), what
    first = 0
    for array in wanted:
        actual = np.frombuffer(found, array.dtype, array.size, first).reshape(array.shape)
        first += array.nbytes
        both_nan = np.isnan(actual) & np.isnan(array)
        np.testing.assert_array_equal(
            bits(np.where(both_nan, array, actual)), bits(array), err_msg=str(what)
        )
