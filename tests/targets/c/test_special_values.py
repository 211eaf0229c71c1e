"""Infinities, NaN, zeros of both signs and subnormal numbers, through every step and operation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.bitformat.builder import REAL, Builder
from tests.targets.c.compiled import CHECKED, built, check

from signbit.bitformat import encode
from signbit.bitformat.activations import ACTIVATIONS
from signbit.bitformat.graph import Output, Step
from signbit.bitformat.table import STEPS
from signbit.targets import c
from signbit.targets.c import project

SPECIAL = np.float32(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-39, 3e38, -3e38, 88.5, -87.5, 0.625, -9]
)
TWO = (REAL, Output("signs"))


def special_network() -> bytes:
    """3×1 pixels of 14 channels through whatever computes with floats."""
    b = Builder(7)
    reals = b.input("reals", "real", 3, 1, len(SPECIAL))
    for name in ACTIVATIONS:
        keys = {key.name: b.floats(len(SPECIAL)) for key in STEPS[name].keys}
        real, signs = b.node(name, "identity", (reals,), Step(name, keys), outputs=TWO)
        b.output(name, real)
        b.output(f"{name}.signs", signs)
    other = (
        Step("affine", {"scale": b.floats(14), "shift": b.floats(14)}),
        Step("add", {"input": 0, "weighted": b.floats(14)}),
        Step("multiply", {"input": 0}),
        Step("subtract", {"input": 0}),
    )
    b.output("other", b.node("other", "identity", (reals,), *other))
    for op in ("softmax", "mean_abs", "global_mean", "global_max"):
        b.output(op, b.node(op, op, (reals,)))
    tiny = b.constant(np.float32([1e-20]))
    b.output("l2", b.node("l2", "l2_normalise", (reals,), epsilon=tiny))
    pooled = {"kernel": (2, 1), "padding": (1, 0, 1, 0)}
    for op in ("max_pool", "avg_pool"):
        b.output(op, b.node(op, op, (reals,), **pooled))
    weight = b.floats(3, 2, 1, 14)
    b.output("conv", b.node("conv", "real_conv", (reals,), **pooled, weight=weight))
    return encode(*b.sample())


@pytest.mark.parametrize("seed", range(3))
def test_special_values(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(seed)
    reals = draws.choice(SPECIAL if seed else SPECIAL[5:], (1, 3, 1, len(SPECIAL)))
    monkeypatch.setattr(project, "_sample", lambda graph: {"reals": reals})
    check(special_network(), tmp_path / "out", *((*CHECKED,) if seed else ("-O2",)))


@pytest.mark.parametrize("flag", ["-ffast-math", "-ffinite-math-only", "-fassociative-math"])
def test_flags_that_change_floats_are_refused(flag: str, tmp_path: Path) -> None:
    more = ("-fno-signed-zeros", "-fno-trapping-math") if flag == "-fassociative-math" else ()
    with pytest.raises(AssertionError, match="Compile without -ffast-math"):
        built(c.generate(special_network()), tmp_path, flag, *more)
