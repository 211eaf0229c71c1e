"""Signals (N, C, L), tokens (N, T, F) and maps with their channels last."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import few_fast, of_reals
from tests.compiler.nets import op_names, randomise
from tests.compiler.small import randomise_latents, randomise_vectors
from torch import Tensor, nn

from signbit import methods
from signbit.nn.layers import BinaryConv1d, BinaryLinear

Function = Callable[[Tensor], Tensor]


class Signal(nn.Module):
    """A signal of one row: a real convolution, a binary one, a function, and a linear layer."""

    def __init__(self, method: str, function: Function, channels: int = 6) -> None:
        super().__init__()
        torch.manual_seed(1)
        made = methods.get(method)
        self.stem = nn.Conv1d(3, channels, 4, stride=2, padding="valid")
        self.norm = nn.BatchNorm1d(channels)
        self.conv = made.conv1d(channels, 5, 3, padding=1)
        self.after = nn.BatchNorm1d(5)
        self.function = function
        self.tokens = made.linear(5, 7)
        self.head = nn.Linear(7, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.after(self.conv(self.norm(self.stem(x.squeeze(2)))))
        x = self.function(x).transpose(1, 2)
        y: Tensor = self.head(self.tokens(x)).mean(1)
        return y


def _random(model: nn.Module) -> nn.Module:
    randomise_vectors(model)
    randomise_latents(model)
    return randomise(model)


@pytest.mark.parametrize(
    "method",
    [
        *("bnn", "xnor"),
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in methods.names()
            if name not in ("bnn", "xnor")
        ),
    ],
)
def test_every_method_of_signals_and_tokens(method: str) -> None:
    model = _random(Signal(method, lambda x: F.max_pool1d(x, 2)))
    result = assert_exact(model, (1, 23, 3), end_to_end=False)
    assert op_names(result).count("binary_conv") == (0 if method == "real" else 2)


ONE_ROW: dict[str, Function] = {
    "average": lambda x: F.avg_pool1d(x, 3, 2, 1),
    "largest of a pool with padding": lambda x: F.max_pool1d(x, 3, 2, 1, ceil_mode=True),
    "pools to sizes": lambda x: F.adaptive_max_pool1d(F.adaptive_avg_pool1d(x, 5), 1),
    "upsampled": lambda x: F.interpolate(x, scale_factor=3),
    "every second": lambda x: x[:, :, ::2],
    "padded": lambda x: F.pad(x, (2, 1)),
    "channels": lambda x: torch.cat((x[:, :3], x[:, 2:4]), 1),
    "gated": lambda x: x * x.mean(2, keepdim=True).sigmoid(),
    "normalised": lambda x: F.normalize(x, dim=1),
    "of one class each": lambda x: x.softmax(1) - 0.2,
    "comparison": lambda x: torch.where(x > 0.5, 1.0, -1.0) * torch.where(x < 1, 2.0, 0.5),
    "PReLU": nn.PReLU(5),
    "constants": lambda x: (x + torch.arange(5.0)[:, None]).clamp(min=-torch.arange(5.0)[:, None]),
    "repeated": lambda x: x.repeat_interleave(2, 2),
    "copies": lambda x: x.repeat(1, 2, 1)[:, 5:],
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in ONE_ROW])
def test_functions_of_signals(name: str) -> None:
    assert_exact(_random(Signal("bnn", ONE_ROW[name])), (1, 23, 3), end_to_end=False)


class Last(nn.Module):
    """Maps with their channels last: linear layers at every pixel, and what is behind them."""

    def __init__(self, channels: int, *functions: Function) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.real = nn.Linear(channels, 6, bias=False)
        self.binary = BinaryLinear(6, 6)
        self.functions = functions

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x)).permute(0, 2, 3, 1)
        x = self.binary(self.real(x))
        for function in self.functions:
            x = function(x)
        return x


LAST: dict[str, tuple[Function, ...]] = {
    "flattened": (lambda x: x.flatten(1), nn.Linear(120, 3)),
    "mean": (lambda x: x.mean((1, 2)),),
    "mean of rows, then the largest": (lambda x: x.mean(1), lambda x: x.amax(1)),
    "softmax": (lambda x: x.softmax(-1), lambda x: x.permute(0, 3, 1, 2)),
    "two orders of one value": (lambda x: x + x.permute(0, 3, 1, 2).permute(0, 2, 3, 1),),
    "comparison": (
        lambda x: torch.where(x < torch.arange(6.0) - 3, -2.0, 0.5),
        lambda x: x[:, ::2],
    ),
    "channels": (lambda x: torch.cat((x[..., :2], x[..., 3:]), -1), lambda x: x.amax((1, 2))),
    "split": (lambda x: x.split(3, 3)[1], lambda x: F.pad(x, (0, 0, 1, 2), value=-1)),
}


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("flattened", 5),
        *(pytest.param(name, 3 + 2 * k, marks=pytest.mark.slow) for k, name in enumerate(LAST)),
        pytest.param("mean", 65, marks=pytest.mark.slow),
    ],
)
def test_channels_last(name: str, channels: int) -> None:
    result = assert_exact(_random(Last(channels, *LAST[name])), (4, 5, 3), end_to_end=False)
    assert op_names(result)[:2] == ["real_conv", "real_conv"]


@pytest.mark.slow
def test_tokens_of_one_pixel_and_of_one_feature() -> None:
    model = nn.Sequential(nn.Conv2d(3, 1, 1), Last1(), nn.Linear(4, 3))
    assert_exact(_random(model), (1, 1, 3), end_to_end=False)


class Last1(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.binary = BinaryLinear(1, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.binary(x.permute(0, 2, 3, 1))[:, 0]
        return y


OTHERS: dict[str, Function] = {
    "convolution of tokens": BinaryConv1d(7, 5, 1),
    "batch-norm of tokens": nn.BatchNorm1d(7),
    "two orders": lambda x: x + x.mean(1, keepdim=True).transpose(1, 2),
    "rows by a linear layer": lambda x: F.linear(x.transpose(1, 2), torch.ones(2, 7)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*OTHERS])
def test_another_axis_as_the_channels(name: str) -> None:
    """Of square values, so that sizes alone do not tell."""
    result = assert_exact(randomise(_Tokens(OTHERS[name])), (1, 7, 3), end_to_end=False)
    assert "transpose" in op_names(result)


_ROWS = torch.linspace(-1, 1, 2 * 4).reshape(2, 4)
_TAPS = torch.linspace(-1, 1, 3 * 5 * 9).reshape(3, 5, 3, 3)

MOVED: dict[str, Function] = {
    "rows by a linear layer": lambda x: F.linear(x.transpose(2, 3), _ROWS).transpose(1, 2),
    "rows by a softmax": lambda x: x - x.softmax(2) * x.transpose(1, 3).softmax(2).transpose(1, 3),
    "columns as channels of a convolution": lambda x: F.conv2d(x.permute(0, 3, 1, 2), _TAPS),
    "rows and columns exchanged": lambda x: F.max_pool2d(x.transpose(2, 3), (1, 2)),
    "rows joined with channels": lambda x: torch.cat((x, x.transpose(1, 2)), 1),
    "rows added to channels": lambda x: x + 2 * x.transpose(1, 2),
}


@pytest.mark.parametrize("name", few_fast(MOVED))
def test_a_map_whose_dimensions_were_moved(name: str) -> None:
    """Rows as channels too."""
    assert_exact(of_reals(4, MOVED[name]), (4, 5, 3), end_to_end=False)


class _Tokens(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.stem = nn.Conv1d(3, 7, 1)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.stem(x.squeeze(2)).transpose(1, 2))
