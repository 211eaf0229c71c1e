"""Values and constants joined along channels, rows, columns and tokens; pads of a map's pixels."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import Function, before_signs, of_reals, of_signs, signs
from tests.compiler.nets import compiled, op_names
from tests.runtime.identity import ISAS
from tests.thorough import drawn
from torch import Tensor, nn

from signbit.errors import CompileError

SIZE = (4, 5, 3)


def tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def repeated(constant: Tensor, x: Tensor) -> Tensor:
    return constant.expand(x.shape[0], *[-1] * (constant.dim() - 1))


@drawn(48)
@given(
    channels=st.sampled_from((1, 3, 8, 65)),
    size=st.tuples(st.integers(1, 5), st.integers(1, 6)),
    dim=st.sampled_from((1, 2, 3, -1, -2)),
    count=st.integers(2, 4),
    of_bits=st.booleans(),
    isa=st.sampled_from(ISAS),
)
def test_parts(
    channels: int, size: tuple[int, int], dim: int, count: int, of_bits: bool, isa: str
) -> None:
    """As many parts of different sizes, some of them signs, or all."""

    def function(x: Tensor) -> Tensor:
        parts = [signs(x - 0.1 * k) if of_bits or k % 2 else x * (k + 1) for k in range(count)]
        parts[0] = parts[0].narrow(dim, 0, (parts[0].shape[dim] + 1) // 2)
        return torch.cat(parts, dim)

    assert_exact(of_reals(channels, function), (*size, 3), end_to_end=False, isas=[isa])


@drawn(48)
@given(
    channels=st.sampled_from((1, 3, 8, 65)),
    size=st.tuples(st.integers(3, 6), st.integers(3, 6)),
    sides=st.tuples(*[st.integers(0, 2)] * 4),
    mode=st.sampled_from(("reflect", "replicate", "circular")),
    kind=st.sampled_from((of_signs, before_signs)),
    isa=st.sampled_from(ISAS),
)
def test_own_pixels(
    channels: int,
    size: tuple[int, int],
    sides: tuple[int, int, int, int],
    mode: str,
    kind: type,
    isa: str,
) -> None:
    """Signs stay bits, and signs of a padded map are padded signs."""
    model = kind(channels, lambda x: F.pad(x, sides, mode=mode), size)
    result = assert_exact(model, (*size, 3), end_to_end=False, isas=[isa])
    assert "real_conv" not in op_names(result)[1:]


def test_rows_of_many_values() -> None:
    """They take another way where all of a map are more than the engine's channels."""
    model = of_reals(24, nn.ReflectionPad2d((0, 0, 2, 1)))
    result = assert_exact(model, (56, 56, 3), isas=ISAS[-1:])
    assert op_names(result).count("transpose") == 2


_TOKEN, _TWO = torch.linspace(-1, 1, 3).reshape(1, 1, 3), torch.randn(1, 2, 3)
_PLACES = torch.linspace(-1, 1, 40).reshape(1, 2, 4, 5)
_ROW = torch.linspace(-1, 1, 3).reshape(1, 3, 1, 1)

KNOWN: dict[str, Function] = {
    "a token in front": lambda x: torch.cat((repeated(_TOKEN, x), tokens(x)), 1),
    "tokens around": lambda x: torch.cat(
        (repeated(_TOKEN, x), tokens(x), repeated(_TWO, x), tokens(x).relu(), repeated(_TOKEN, x)),
        1,
    ),
    "a repeated token": lambda x: torch.cat((_TOKEN.repeat(x.shape[0], 1, 1), tokens(x)), 1),
    "computed tokens": lambda x: torch.cat(
        (torch.cat((repeated(_TOKEN, x) * 2, repeated(_TWO, x)), 1) + 1, tokens(x)), 1
    ),
    "a token before signs": lambda x: signs(torch.cat((repeated(_TOKEN, x), tokens(x)), 1)) * 2,
    "coordinates": lambda x: torch.cat((x, repeated(_PLACES, x)), 1),
    "numbers as channels": lambda x: torch.cat(
        (_ROW.expand(x.shape[0], -1, 4, 5), x, torch.zeros(x.shape[0], 1, 4, 5)), 1
    ),
    "a row of constants": lambda x: torch.cat((_ROW.expand(x.shape[0], -1, 1, 5), x), 2),
    "vectors as tokens": lambda x: torch.stack((x.mean((2, 3)), x.amax((2, 3))), 1),
    "vectors as columns": lambda x: torch.stack(
        (x.mean((2, 3)), x.amax((2, 3)), x[:, :, 0, 0]), -1
    ),
    "signals as rows": lambda x: torch.stack((x.flatten(2), x.flatten(2).relu()), 2).mT,
    "maps stacked": lambda x: torch.stack((x, x.relu()), 2).flatten(1, 2),
    "tokens stacked": lambda x: torch.stack((tokens(x), tokens(x).tanh()), 3)[..., 1],
    "copies of rows": lambda x: x.repeat(1, 2, 3, 1),
    "copies of tokens": lambda x: torch.tile(tokens(x), (1, 2, 2)),
    "one value alone": lambda x: torch.cat((x,), 2) + 1,
}


@pytest.mark.parametrize("name", KNOWN)
def test_known(name: str) -> None:
    assert_exact(of_reals(3, KNOWN[name]), SIZE, end_to_end=False, isas=ISAS[-1:])


REFUSED: dict[str, tuple[Function, str]] = {
    "images": (lambda x: torch.cat((x, x), 0)[: x.shape[0]], "images"),
    "rows that differ": (
        lambda x: torch.cat(
            (torch.arange(15.0).reshape(1, 3, 1, 5).expand(x.shape[0], -1, -1, -1), x), 2
        ),
        "differ from pixel to pixel",
    ),
    "images on images": (lambda x: torch.stack((x, x), 0)[0], "torch.cat"),
    "a sum over images": (
        lambda x: torch.cat((repeated(_TOKEN, x).cumsum(0), tokens(x)), 1),
        "repeat the result",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError, match=reason):
        compiled(of_reals(3, function), SIZE)
