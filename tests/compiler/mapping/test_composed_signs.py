"""Signs, maths on them, moves and binary layers in any order: as PyTorch, and with the same bits.

Every node is fed PyTorch's own values, so that one sign next to its threshold hides nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.nets import randomise
from tests.compiler.random_nets import centre
from tests.thorough import drawn
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d

Draw = Callable[[st.SearchStrategy[str]], str]

_MOST_CHANNELS = 24


class _Function(nn.Module):
    """A function of the last value and of those before it of the same height and width."""

    def __init__(self, function: Callable[..., Tensor], layer: nn.Module | None = None) -> None:
        super().__init__()
        self.function = function
        self.layer = layer

    def forward(self, x: Tensor, others: list[Tensor]) -> Tensor:
        layer = () if self.layer is None else (self.layer,)
        y: Tensor = self.function(x, others, *layer)
        return y


def _signs(x: Tensor) -> Tensor:
    y: Tensor = torch.ops.signbit.sign(x, "clip", [])
    return y


def _same(x: Tensor, others: list[Tensor]) -> Tensor:
    """The latest other value of the same shape, or a function of this one."""
    return next((y for y in reversed(others) if y.shape == x.shape), x.abs() - 0.5)


def _makers(channels: int, height: int, width: int) -> dict[str, Callable[[], nn.Module]]:
    """What may follow a value of this size."""
    scale = torch.linspace(-1, 1.3, channels).reshape(-1, 1, 1)

    def of(function: Callable[[Tensor], Tensor]) -> Callable[[], nn.Module]:
        return lambda: _Function(lambda x, others: function(x))

    def layer(module: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        return lambda: _Function(lambda x, others, layer: layer(x), module())

    makers = {
        "signs": of(_signs),
        "norm": layer(lambda: nn.BatchNorm2d(channels)),
        "scale": of(lambda x: x * scale - 0.2),
        "hardtanh": of(F.hardtanh),
        "prelu": layer(lambda: nn.PReLU(channels, 0.3)),
        "hill": of(lambda x: 0.4 - F.leaky_relu(x, -0.7)),
        "sigmoid": of(lambda x: x.sigmoid() - 0.5),
        "gate": of(lambda x: x * (x.mean((2, 3), keepdim=True) - 0.1).sigmoid()),
        "average": of(lambda x: F.avg_pool2d(x, 3, 1, 1)),
        "binary": layer(lambda: BinaryConv2d(channels, 5, 3, padding=1)),
        "grouped": layer(lambda: BinaryConv2d(channels, channels, 1, groups=channels)),
        "real": layer(lambda: nn.Conv2d(channels, 4, 3, padding=1)),
        "sum": lambda: _Function(lambda x, others: x + _same(x, others)),
        "difference": lambda: _Function(lambda x, others: _same(x, others) - x),
        "product": lambda: _Function(lambda x, others: x * _same(x, others)),
        "largest beside": of(lambda x: x - F.adaptive_max_pool2d(x, 1)),
        "pool": of(lambda x: F.max_pool2d(x, 3, 1, 1)),
        "slice": of(lambda x: x[:, channels // 3 :]),
    }
    if channels <= _MOST_CHANNELS:
        makers["cat"] = lambda: _Function(lambda x, others: torch.cat((x, others[-1]), 1))
        makers["cat of signs"] = of(lambda x: torch.cat((x, _signs(x)), 1))
    if height * width < 60:
        makers["zeros around"] = of(lambda x: F.pad(x, (1, 0, 0, 1)))
        makers["ones around"] = of(lambda x: F.pad(x, (0, 1, 0, 0), value=1.0))
        makers["minus ones around"] = of(lambda x: F.pad(x, (0, 0, 1, 0), value=-1.0))
        makers["upsample"] = of(lambda x: F.interpolate(x, scale_factor=2, mode="nearest"))
    if channels % 3 == 0:
        makers["channel shuffle"] = of(lambda x: F.channel_shuffle(x, 3))
    if channels % 4 == 0 and height * width < 60:
        makers["shuffle"] = of(lambda x: F.pixel_shuffle(x, 2))
    if height % 2 == width % 2 == 0 and channels <= _MOST_CHANNELS // 2:
        makers["unshuffle"] = of(lambda x: F.pixel_unshuffle(x, 2))
    if min(height, width) > 2:
        makers["subsample"] = of(lambda x: x[:, :, ::2, ::2])
        makers["halve"] = of(lambda x: F.max_pool2d(x, 2))
    return makers


class _Composed(nn.Module):
    def __init__(self, draw: Draw, size: tuple[int, int, int], length: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.parts = nn.ModuleList()
        self.names: list[str] = []
        x, others = self.stem(torch.zeros(2, 3, *size[:2])), list[Tensor]()
        for _ in range(length):
            makers = _makers(*x.shape[1:])
            if not others or others[-1].shape[2:] != x.shape[2:]:
                makers.pop("cat", None)
            if size[:2] == (1, 1):  # torch.export takes it for granted that there are many images
                makers.pop("channel shuffle", None)
            self.names.append(draw(st.sampled_from(sorted(makers))))
            part = makers[self.names[-1]]()
            self.parts.append(part)
            before = x
            x, others = part(x, others), [*others, before]
        self.scores = nn.Linear(x.shape[1], 3)

    def forward(self, x: Tensor) -> Tensor:
        x, others = self.stem(x), list[Tensor]()
        for part in self.parts:
            before = x
            x, others = part(x, others), [*others, before]
        y: Tensor = self.scores(x.mean((2, 3)))
        return y


def _check(draw: Draw, seed: int, size: tuple[int, int, int], length: int) -> None:
    torch.manual_seed(seed)
    model = randomise(_Composed(draw, size, length), seed)
    centre(model, torch.randn(16, 3, *size[:2]))
    try:
        assert_exact(model, size, end_to_end=False)
    except CompileError as error:
        if "every sign of its input is the same" not in str(error):
            raise
        event("constant signs")


SIZES = st.sampled_from([(4, 6, 3), (5, 3, 3), (1, 1, 3), (2, 7, 3)])


@settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],
)
@given(data=st.data(), seed=st.integers(0, 999), size=SIZES, length=st.integers(2, 5))
def test_a_few(data: st.DataObject, seed: int, size: tuple[int, int, int], length: int) -> None:
    _check(data.draw, seed, size, length)


@pytest.mark.slow
@drawn(60)
@given(data=st.data(), seed=st.integers(0, 999), size=SIZES, length=st.integers(3, 10))
def test_many(data: st.DataObject, seed: int, size: tuple[int, int, int], length: int) -> None:
    _check(data.draw, seed, size, length)
