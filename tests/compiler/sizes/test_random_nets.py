"""Small fully convolutional networks at random, by every method, at sizes that nobody tried."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import pytest
import torch
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from tests.compiler.nets import compiled, pixels, randomise
from tests.compiler.random_nets import centre
from tests.compiler.sizes.models import assert_engines_agree
from tests.thorough import LONG
from torch import Tensor, nn

import signbit
from signbit import methods
from signbit.compiler import Compiled
from signbit.compiler.verification.verify import verify
from signbit.errors import InputError
from signbit.methods import Method

_SIZE = (24, 21)
_METHODS = ("adabin", "bireal", "bnn", "irnet", "reactnet", "sdbnn", "xnor")


class _Unit(nn.Module):
    """A convolution, perhaps with a shortcut around it, and what stands behind both."""

    def __init__(self, conv: nn.Module, shortcut: nn.Module | None, after: nn.Module) -> None:
        super().__init__()
        self.conv, self.shortcut, self.after = conv, shortcut, after

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        result: Tensor = self.after(y if self.shortcut is None else y + self.shortcut(x))
        return result


@st.composite
def networks(draw: Callable[..., Tensor]) -> nn.Module:
    """Images (N, 3, H, W) to scores (N, 4), or to maps."""
    torch.manual_seed(draw(st.integers(0, 1000)))
    method = methods.get(draw(st.sampled_from(_METHODS)))
    channels = draw(st.sampled_from((1, 3, 8)))
    padding = draw(st.sampled_from((0, 1, 2)))
    stem = nn.Conv2d(3, channels, 3, draw(st.sampled_from((1, 2))), padding)
    layers: list[nn.Module] = [stem, nn.BatchNorm2d(channels), nn.Hardtanh()]
    for _ in range(draw(st.integers(1, 3))):
        unit, channels = draw(_units(method, channels))
        layers.append(unit)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 4)]
    layers += draw(st.sampled_from((head, head, [nn.Conv2d(channels, 4, 1)])))
    model = randomise(nn.Sequential(*layers), draw(st.integers(0, 1000)))
    assume(_answers(model, _SIZE))
    centre(model, torch.randn(8, 3, *_SIZE))
    return model


@st.composite
def _units(draw: Callable[..., int], method: Method, inputs: int) -> tuple[nn.Module, int]:
    kernel, stride = draw(st.sampled_from((1, 3, 5))), draw(st.sampled_from((1, 1, 2)))
    keeps = draw(st.booleans())
    padding = kernel // 2 if keeps else draw(st.integers(0, kernel - 1))
    outputs = inputs if keeps else draw(st.sampled_from((3, 5, 65)))
    conv = method.conv2d(inputs, outputs, kernel, stride=stride, padding=padding)
    shortcut = None
    if keeps and stride == 1:
        shortcut = nn.Identity()
    elif keeps:
        shortcut = nn.AvgPool2d(3, 2, 1)
    after: list[nn.Module] = [nn.BatchNorm2d(outputs)]
    if draw(st.booleans()):
        after.append(method.nonlinearity(outputs))
    if draw(st.sampled_from((True, False, False))):
        pools = (nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2))
        after.insert(draw(st.sampled_from((0, len(after)))), draw(st.sampled_from(pools)))
    return _Unit(conv, shortcut, nn.Sequential(*after)), outputs


def _at_this_size(model: nn.Module, free: Compiled, size: tuple[int, int]) -> Compiled:
    """What a file of any size is made of at one more size."""
    with (
        patch("signbit.compiler.compile.require_open_sizes", lambda *_: []),
        patch("signbit.compiler.compile.for_any_size", lambda model, compiled, *_: compiled),
    ):
        return compiled(model, (*size, 3), any_size=True)


def _answers(model: nn.Module, size: tuple[int, int]) -> bool:
    try:
        return bool(model(torch.zeros(1, 3, *size)).numel())
    except (InputError, RuntimeError):  # Libra wants filters of two weights or more
        return False


_COUNT = 4 if LONG else 1
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
other_sizes = st.lists(sizes, min_size=_COUNT, max_size=_COUNT, unique=True)


@pytest.mark.slow
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
@given(networks(), other_sizes, st.sampled_from((1, 2, 5)))
def test_every_size_is_pytorchs(
    model: nn.Module, others: list[tuple[int, int]], batch: int
) -> None:
    free = compiled(model, (*_SIZE, 3), any_size=True)
    for size in others:
        if not _answers(model, size):
            with pytest.raises(InputError, match="does not fit"):
                signbit.load(free.data, input_size=size)
            continue
        images = pixels(batch, (*size, 3))
        assert_engines_agree(free.data, images)
        engine = signbit.load(free.data, input_size=size)
        assert verify(_at_this_size(model, free, size), images, engine=engine).agrees
