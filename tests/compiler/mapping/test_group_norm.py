"""Group, instance and layer norms of an image's own values: any groups, dimensions and sizes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import Function, before_signs, of_reals
from tests.compiler.nets import compiled, op_names
from tests.runtime.identity import ISAS
from tests.thorough import drawn
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn.layers import BinaryLinear


def _random(norm: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.add_(torch.randn(parameter.shape))
    return norm.eval()


def _tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


@drawn(48)
@given(
    groups=st.sampled_from((1, 2, 3, 5)),
    each=st.sampled_from((1, 2, 3, 13)),
    height=st.integers(1, 5),
    width=st.integers(2, 6),
    affine=st.booleans(),
    isa=st.sampled_from(ISAS),
)
def test_groups(groups: int, each: int, height: int, width: int, affine: bool, isa: str) -> None:
    norm = _random(nn.GroupNorm(groups, groups * each, affine=affine))
    model = of_reals(groups * each, lambda x: norm(x) + x)
    result = assert_exact(model, (height, width, 3), isas=[isa])
    assert op_names(result).count("layer_norm") == 1


@drawn(24)
@given(
    dims=st.integers(1, 3),
    channels=st.sampled_from((1, 3, 4, 17)),
    height=st.integers(1, 5),
    width=st.integers(2, 6),
    root=st.booleans(),
    last=st.booleans(),
    isa=st.sampled_from(ISAS),
)
def test_last_dimensions(
    dims: int, channels: int, height: int, width: int, root: bool, last: bool, isa: str
) -> None:
    """Of maps with their channels first, and last."""
    sizes = (height, width, channels) if last else (channels, height, width)
    if dims == 1 and sizes[-1] == 1:
        return  # of one value the deviation is what PyTorch rounds
    kind = nn.RMSNorm if root else nn.LayerNorm
    norm = _random(kind(sizes[-dims:], eps=0.01))

    def function(x: Tensor) -> Tensor:
        return norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) if last else norm(x)

    result = assert_exact(of_reals(channels, function), (height, width, 3), isas=[isa])
    assert op_names(result).count("l2_normalise" if root else "layer_norm") == 1


def _instances(x: Tensor) -> Tensor:
    return nn.functional.instance_norm(x)


_RUNNING = _random(nn.InstanceNorm2d(5, affine=True, track_running_stats=True))
_ROWS = nn.InstanceNorm1d(20)
_FEATURES = _random(nn.GroupNorm(2, 6))
_LAYER = BinaryLinear(6, 3)
_HEADS = _random(nn.LayerNorm(3))

KNOWN: dict[str, tuple[int, Function]] = {
    "of instances": (65, _instances),
    "of instances, running": (5, _RUNNING),
    "of tokens, a token a channel": (4, lambda x: _ROWS(_tokens(x))),
    "of vectors": (6, lambda x: _FEATURES(x.amax((2, 3)))),
    "of heads": (
        6,
        lambda x: (
            _HEADS(_tokens(x).unflatten(2, (2, 3)).transpose(1, 2)).transpose(1, 2).flatten(2)
        ),
    ),
    "twice": (6, lambda x: _FEATURES(_FEATURES(x) + x) * _instances(x)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known(name: str) -> None:
    channels, function = KNOWN[name]
    assert_exact(of_reals(channels, function), (4, 5, 3), isas=ISAS[-1:])


def test_before_signs() -> None:
    assert_exact(before_signs(6, _FEATURES, (4, 5)), (4, 5, 3), end_to_end=False)


def test_running_statistics_are_constants() -> None:
    assert "layer_norm" not in op_names(compiled(of_reals(5, _RUNNING), (4, 5, 3)))


def test_too_many_values_are_refused() -> None:
    model = of_reals(2, nn.GroupNorm(1, 2))
    with pytest.raises(CompileError, match=r"normalises 131072 values of 256×256.*BatchNorm2d"):
        compiled(model, (256, 256, 3))


def test_any_size_is_refused() -> None:
    with pytest.raises(CompileError, match=r"size"):
        compiled(of_reals(4, nn.GroupNorm(2, 4)), (8, 8, 3), any_size=True)
