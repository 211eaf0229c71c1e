"""Pixels between the old ones, by every rule of PyTorch's, up and down."""

from __future__ import annotations

from typing import Any

import pytest
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import Function, before_signs, of_reals, signs
from tests.compiler.nets import compiled, op_names
from tests.runtime.identity import ISAS
from tests.thorough import drawn
from torch import Tensor

from signbit.errors import CompileError

SIZES = st.tuples(st.integers(1, 7), st.integers(1, 7))


@drawn(64)
@given(
    channels=st.sampled_from((1, 3, 17)),
    size=SIZES,
    after=SIZES,
    by_factor=st.booleans(),
    mode=st.sampled_from(("bilinear", "bicubic")),
    corners=st.booleans(),
    smooth=st.booleans(),
    isa=st.sampled_from(ISAS),
)
def test_any_size(
    channels: int,
    size: tuple[int, int],
    after: tuple[int, int],
    by_factor: bool,
    mode: str,
    corners: bool,
    smooth: bool,
    isa: str,
) -> None:
    if smooth and 1 in (*size, *after):
        return  # refused
    keys: dict[str, Any] = {"mode": mode, "align_corners": corners, "antialias": smooth}
    if by_factor:
        keys["scale_factor"] = tuple((b + 0.3) / a for a, b in zip(size, after, strict=True))
    else:
        keys["size"] = after
    model = of_reals(channels, lambda x: F.interpolate(x, **keys))
    assert_exact(model, (*size, 3), isas=[isa])


def _signal(x: Tensor) -> Tensor:
    return F.interpolate(x.flatten(2), size=13, mode="linear", align_corners=True)


def _rows_last(x: Tensor) -> Tensor:
    return F.interpolate(x.permute(0, 2, 3, 1), scale_factor=2, mode="bilinear")


KNOWN: dict[str, Function] = {
    "twice as large": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "a signal": _signal,
    "of signs": lambda x: F.interpolate(signs(x), scale_factor=(3, 1), mode="bilinear"),
    "of another order": _rows_last,
    "the mean everywhere": lambda x: F.interpolate(
        F.adaptive_avg_pool2d(x, 1), size=(4, 5), mode="bilinear"
    ),
    "means that do not divide": lambda x: F.adaptive_avg_pool2d(x, (3, 2)),
    "means of signals": lambda x: F.adaptive_avg_pool1d(x.flatten(2), 7),
    "more means than pixels": lambda x: F.adaptive_avg_pool2d(x, (6, 5)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known(name: str) -> None:
    assert_exact(of_reals(3, KNOWN[name]), (4, 5, 3), isas=ISAS[-1:])


def test_before_signs() -> None:
    function = KNOWN["twice as large"]
    assert_exact(before_signs(3, function, (4, 5)), (4, 5, 3), end_to_end=False)


def test_one_pixel_is_repeated() -> None:
    result = compiled(of_reals(3, KNOWN["the mean everywhere"]), (4, 5, 3))
    assert op_names(result)[-1] == "upsample"


def test_any_size_is_refused() -> None:
    with pytest.raises(CompileError, match=r"(?s)fixes the size.*mode='nearest'"):
        compiled(of_reals(4, KNOWN["twice as large"]), (8, 8, 3), any_size=True)
