"""A network compiled, and run in every way that there is: all must say the same, and as PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from tests.compiler.nets import Array, Size, compiled, pixels
from tests.runtime.identity import ISAS, assert_identical, named, unfused_engine
from torch import nn

import signbit
from signbit.compiler import Compiled
from signbit.compiler.verification.agreement import Agreement
from signbit.compiler.verification.verify import verify
from signbit.runtime.reference import ReferenceEngine

__all__ = ["assert_exact", "assert_same_bits"]


def assert_same_bits(data: bytes, size: Size, seed: int = 0, isas: Sequence[str] = ISAS) -> None:
    """The reference's bits on these instruction sets, fused and step by step, for 1 to 5 images."""
    for count, engine in zip((1, 2, 5) * len(isas), _engines(data, isas), strict=False):
        images = pixels(count, size, seed + count)
        assert_identical(named(engine(images)), named(ReferenceEngine(data)(images)))


def _engines(data: bytes, isas: Sequence[str]) -> Iterator[signbit.Engine]:
    for isa in isas:
        yield signbit.load(data, threads=1, isa=isa)
        yield unfused_engine(data, 1, isa)


def assert_exact(
    model: nn.Module, size: Size, *, end_to_end: bool = True, isas: Sequence[str] = ISAS
) -> Compiled:
    """Compile, compare all engines with the reference and every node with PyTorch.

    end_to_end: the answers, too, which one sign next to its threshold would change.
    """
    result = compiled(model, size)
    assert_same_bits(result.data, size, isas=isas)
    found = verify(result, pixels(5, size))
    assert [node for node in found.nodes if not node.agrees] == []
    if end_to_end:
        _assert_same_answers(found, ReferenceEngine(result.data)(pixels(5, size)))
    return result


def _assert_same_answers(found: Agreement, answers: Array) -> None:
    assert found.near["signs"] == 0
    assert found.end_to_end.max_error <= 2e-5 * max(1.0, float(np.abs(answers).max()))
