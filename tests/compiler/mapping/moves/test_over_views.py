"""Linear layers, softmax and products of values whose images are no first dimension, or of four."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import Function, of_reals, signs
from tests.compiler.nets import compiled, op_names
from tests.runtime.identity import ISAS
from tests.thorough import drawn
from torch import Tensor, nn

from signbit.errors import CompileError


def tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


@drawn(48)
@given(
    heads=st.sampled_from((1, 2, 3)),
    each=st.sampled_from((1, 2, 5)),
    size=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    first=st.booleans(),
    weights=st.booleans(),
    bias=st.booleans(),
    own=st.booleans(),
    isa=st.sampled_from(ISAS),
)
def test_multihead_attention(
    heads: int,
    each: int,
    size: tuple[int, int],
    first: bool,
    weights: bool,
    bias: bool,
    own: bool,
    isa: str,
) -> None:
    """Of tokens with themselves, or with others; images first, or time."""
    channels = heads * each
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(channels, heads, bias=bias, batch_first=first).eval()
    if bias:
        nn.init.normal_(attention.in_proj_bias)

    def function(x: Tensor) -> Tensor:
        x = tokens(x) if first else tokens(x).transpose(0, 1)
        key = x if own else x.relu()
        y = attention(x, key, key, need_weights=weights)[0] + x
        return y if first else y.transpose(0, 1)

    result = assert_exact(of_reals(channels, function), (*size, 3), isas=[isa])
    assert op_names(result).count("matmul") == 2


def _parted(x: Tensor) -> Tensor:
    """(N, T, heads, d)"""
    return tokens(x).unflatten(2, (2, 3))


_HALVES = torch.linspace(-1, 1, 5 * 3).reshape(5, 3)
_BIAS = torch.linspace(-1, 1, 5)


def _by_head(x: Tensor) -> Tensor:
    return F.linear(_parted(x).transpose(1, 2), _HALVES, _BIAS).transpose(1, 2).flatten(2)


def _images_in_the_middle(x: Tensor) -> Tensor:
    y = F.linear(_parted(x).permute(1, 2, 0, 3), _HALVES)
    return y.permute(2, 3, 0, 1).flatten(2)


def _both(x: Tensor) -> Tensor:
    """Products of matrices of any image by that of another order."""
    q, k = (_parted(y).permute(2, 0, 1, 3).flatten(0, 1) for y in (x, x.tanh()))
    weights = (torch.bmm(q, k.transpose(1, 2)) * 0.3).softmax(-1)
    y = torch.bmm(weights, q - 0.0)
    return y.unflatten(0, (2, x.shape[0])).permute(1, 2, 0, 3).flatten(2)


def _of_signs(x: Tensor) -> Tensor:
    q = _parted(signs(x)).permute(2, 0, 1, 3).flatten(0, 1)
    y = torch.bmm(q, q.mT) / 3
    return y.unflatten(0, (2, x.shape[0])).permute(1, 2, 3, 0).flatten(2)


KNOWN: dict[str, Function] = {
    "a linear layer of heads": _by_head,
    "images in the middle": _images_in_the_middle,
    "products of matrices of several images": _both,
    "products of signs": _of_signs,
    "means of parts": lambda x: x.reshape(x.shape[0], 2, 60).mean(2),
    "largest of parts": lambda x: x.reshape(x.shape[0], 2, 60).amax(2),
    "shares over the middle": lambda x: _parted(x).softmax(2).flatten(2),
    "shares of places": lambda x: x - x.flatten(1).unflatten(1, (6, 4, 5)).softmax(3),
    "factors of heads and tanh": lambda x: (
        (_parted(x).transpose(0, 1) * torch.tensor([[2.0], [-3]]) + _BIAS[:3])
        .tanh()
        .transpose(0, 1)
        .flatten(2)
    ),
    "sums of what waits": lambda x: (
        tokens(x).transpose(0, 1) * tokens(x).tanh().transpose(0, 1) - tokens(x).transpose(0, 1)
    ).permute(1, 0, 2),
    "four factors": lambda x: (x[:, :, None] * 3 - 1).squeeze(2).unflatten(1, (2, 3)).flatten(1, 2),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known(name: str) -> None:
    assert_exact(of_reals(6, KNOWN[name]), (4, 5, 3), end_to_end=False, isas=ISAS[-1:])


REFUSED: dict[str, tuple[Function, str]] = {
    "over the images": (lambda x: _parted(x).permute(1, 2, 3, 0).softmax(-1)[..., 0], "images"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError, match=reason):
        compiled(of_reals(6, function), (4, 5, 3))
