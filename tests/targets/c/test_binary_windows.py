"""Windows of a binary convolution whose taps are less than a word, or no part of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.bitformat.builder import REAL, Builder
from tests.targets.c.compiled import CHECKED, check

from signbit.bitformat import encode
from signbit.bitformat.graph import Output

LAYERS = (
    (16, 1, "none"),
    (16, 4, "none"),
    (24, 2, "negative"),
    (8, 4, "positive"),
    (4, 1, "negative"),
    (2, 2, "none"),
    (1, 1, "none"),
    (33, 1, "none"),
    (66, 3, "negative"),
    (64, 2, "none"),
    (64, 64, "none"),
)
"""Filters, groups and padding, one after another; a layer reads what the last one writes."""


@pytest.mark.parametrize("flags", [CHECKED, ("-O2", "-mpopcnt")], ids=["words", "instruction"])
def test_taps_of_any_number_of_channels(flags: tuple[str, ...], tmp_path: Path) -> None:
    b = Builder(3)
    image = b.input("image", "image", 6, 5, 16)
    limits = b.constant(np.full(16, 120, np.float32))
    signs = b.node("s", "identity", (image,), outputs=(Output("signs", threshold=limits),))
    depth = 16
    for index, (filters, groups, pad) in enumerate(LAYERS):
        limits = b.integers(np.int32, -3, 3, filters)
        signs, real = b.node(
            f"c{index}",
            "binary_conv",
            (signs,),
            kernel=(3, 3),
            padding=(1, 2, 1, 1),
            groups=groups,
            pad_sign=pad,
            weight=b.filters(filters, 9 * depth // groups),
            outputs=(Output("signs", 0, limits, b.flip(filters)), REAL),
        )
        b.output(f"y{index}", real)
        depth = filters
    check(encode(*b.sample()), tmp_path / "out", *flags)


def test_weights_that_several_maps_meet(tmp_path: Path) -> None:
    b = Builder(4)
    image = b.input("image", "image", 4, 5, 12)
    limits = b.constant(np.full(12, 120, np.float32))
    signs = b.node("s", "identity", (image,), outputs=(Output("signs", threshold=limits),))
    for groups, copies in ((1, 3), (2, 2)):
        real = b.node(
            f"c{groups}",
            "binary_conv",
            (signs,),
            kernel=(3, 3),
            padding=(1, 1, 1, 1),
            groups=groups,
            copies=copies,
            weight=b.filters(6, 9 * 12 // groups // copies),
        )
        b.output(f"y{groups}", real)
    check(encode(*b.sample()), tmp_path / "out", *CHECKED)
