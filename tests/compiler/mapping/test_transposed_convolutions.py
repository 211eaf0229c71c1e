"""Transposed convolutions of maps and signals, and what is refused of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import before_signs, of_reals
from tests.compiler.nets import Size, compiled, op_names
from tests.thorough import drawn
from torch import Tensor, nn

from signbit.errors import CompileError


def _of_signals(layer: nn.Module) -> Any:
    return lambda x: layer(x.amax(2)).unsqueeze(2)


def _check(channels: int, layer: nn.Module, size: Size) -> list[str]:
    is_signal = isinstance(layer, nn.ConvTranspose1d)
    function = _of_signals(layer) if is_signal else layer
    result = assert_exact(of_reals(channels, function), size, end_to_end=False)
    return op_names(result)


@pytest.mark.parametrize("bias", [True, False])
def test_a_u_net_s_way_up(bias: bool) -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(6, 5, 2, 2, bias=bias)
    assert _check(6, layer, (3, 4, 3))[-1] == "depth_to_space"


@pytest.mark.slow
def test_before_signs() -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(6, 4, 4, 2, 1)
    assert_exact(before_signs(6, layer, (3, 4)), (3, 4, 3), end_to_end=False)


@pytest.mark.slow
@drawn(80, least=12)
@given(data=st.data())
def test_any(data: st.DataObject) -> None:
    kernel = data.draw(st.integers(1, 5), "kernel")
    stride = data.draw(st.integers(1, 3), "stride")
    padding = data.draw(st.integers(0, kernel - 1), "padding")
    extra = (2 * padding - kernel) % stride
    groups = data.draw(st.sampled_from((1, 1, 2, 3)), "groups")
    channels = groups * data.draw(st.integers(1, 3), "channels in a group")
    out = groups * data.draw(st.integers(1, 3), "results in a group")
    size = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 6), st.just(3)), "size")
    kind = data.draw(st.sampled_from((nn.ConvTranspose1d, nn.ConvTranspose2d)), "kind")
    assume(min(size[:2]) * stride + kernel + extra - stride > 2 * padding)
    assume(stride * (min(size[:2]) - 1) + kernel > 2 * padding)
    torch.manual_seed(kernel)
    bias = data.draw(st.booleans(), "bias")
    layer = kind(channels, out, kernel, stride, padding, extra, groups, bias)
    _check(channels, layer, size)


REFUSED: dict[str, tuple[nn.Module, str]] = {
    "dilated": (nn.ConvTranspose2d(4, 4, 3, dilation=2), "is dilated"),
    "two strides": (nn.ConvTranspose2d(4, 4, 2, (1, 2)), "one stride for both directions"),
    "rows that nothing reads": (nn.ConvTranspose2d(4, 4, 1, padding=1), "take less padding"),
    "an odd size": (nn.ConvTranspose2d(4, 4, 3, 2, 1), "another output_padding"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REFUSED])
def test_refuses(name: str) -> None:
    layer, cure = REFUSED[name]
    with pytest.raises(CompileError) as caught:
        compiled(of_reals(4, _Call(layer)), (4, 5, 3))
    assert cure in str(caught.value)


class _Call(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        return y
