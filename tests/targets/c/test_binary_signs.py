"""Convolutions that yield nothing but signs compare as they count: the engine's bits, any shape."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.targets.c.compared import compared
from tests.targets.c.compiled import check

from signbit.targets import c


def test_signs_alone_need_no_memory_for_counts() -> None:
    sources = [c.generate(compared(seed)).files["model.c"] for seed in range(10)]
    assert sum("signs_" in source and "counts" not in source for source in sources) >= 3


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 30))]
)
def test_any_shape_has_the_engines_bits(seed: int, tmp_path: Path) -> None:
    check(compared(seed), tmp_path)
