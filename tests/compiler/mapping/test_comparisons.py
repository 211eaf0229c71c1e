"""Comparisons with constants, as signs and as values: as PyTorch says, ties, −0.0 and all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact, assert_same_bits
from tests.compiler.nets import compiled, op_names, pixels, pytorch_logits, randomise
from tests.thorough import many
from torch import Tensor, nn

from signbit.compiler import compile_model
from signbit.compiler.mapping.comparisons import level_of
from signbit.compiler.verification.verify import verify
from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d
from signbit.runtime.reference import ReferenceEngine

SIZE = (6, 7, 3)
CHANNELS = 5

Function = Callable[[Tensor], Tensor]


class Net(nn.Module):
    """A stem, a function of it, a binary layer, and class scores."""

    def __init__(self, function: Function, channels: int = CHANNELS, groups: int = 1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.function = function
        self.binary = BinaryConv2d(channels, channels, 3, padding=1, groups=groups)
        self.norm = nn.BatchNorm2d(channels)
        self.scores = nn.Linear(channels, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.scores(self.norm(self.binary(self.function(self.stem(x)))).mean((2, 3)))
        return y


T = 0.11
BY_CHANNEL = torch.linspace(-0.3, 0.4, CHANNELS).reshape(-1, 1, 1)
SIDES = torch.tensor([1.0, -1, 1, 1, -1]).reshape(-1, 1, 1)

SIGNS: dict[str, Function] = {
    "x > t": lambda x: torch.where(x > T, 1, -1).float(),
    "x >= t": lambda x: torch.where(x >= T, 1.0, -1.0),
    "x < t": lambda x: torch.where(x < T, 1.0, -1.0),
    "x <= t": lambda x: torch.where(x <= T, 1.0, -1.0),
    "x > t, −1 first": lambda x: torch.where(x > T, -1.0, 1.0),
    "x >= t, −1 first": lambda x: torch.where(x >= T, -1.0, 1.0),
    "x < t, −1 first": lambda x: torch.where(x < T, -1.0, 1.0),
    "x <= t, −1 first": lambda x: torch.where(x <= T, -1.0, 1.0),
    "t < x": lambda x: torch.where(torch.lt(torch.full((), T), x), 1.0, -1.0),
    "a tensor < x": lambda x: torch.where(torch.tensor(T) < x, 1.0, -1.0),
    "by channel": lambda x: torch.where(x > BY_CHANNEL, 1.0, -1.0),
    "by channel on the left": lambda x: torch.where(torch.ge(BY_CHANNEL, x), 1.0, -1.0),
    "sides by channel": lambda x: torch.where(x > BY_CHANNEL, SIDES, -SIDES),
    "tensors": lambda x: torch.where(x > T, torch.tensor(1.0), torch.tensor(-1.0)),
    "tensors of the size": lambda x: torch.where(x > T, torch.ones_like(x), -torch.ones_like(x)),
    "filled": lambda x: torch.where(x > T, torch.full_like(x, 1), torch.full_like(x, -1)),
    "masked": lambda x: torch.ones_like(x).masked_fill(x <= T, -1),
    "arithmetic of whole numbers": lambda x: ((x > T) * 2 - 1).float(),
    "arithmetic of reals": lambda x: (x > T).float() * 2 - 1,
    "arithmetic, the other way": lambda x: 1 - 2 * (x <= T).to(x.dtype),
    "type as": lambda x: (x > T).type_as(x).mul(2).sub(1),
    "int": lambda x: (2 * (x > T).int() - 1).float(),
    "not": lambda x: (~(x > T)).float() * -2 + 1,
    "logical not": lambda x: torch.logical_not(x.ge(T)).float() * 2 - 1,
    "two of one comparison": lambda x: (x > T).float() - (x <= T).float(),
    "compared again": lambda x: torch.where((x > T).float() > 0.5, 1.0, -1.0),
    "functions": lambda x: torch.gt(x, T).float() - torch.le(x, T).float(),
    "half": lambda x: ((x > T).float() - 0.5).mul(2),
}


@pytest.mark.parametrize("name", list(SIGNS))
def test_signs(name: str) -> None:
    """They are bits behind the stem, which stores no real."""
    result = assert_exact(randomise(Net(SIGNS[name])), SIZE)
    assert op_names(result) == ["real_conv", "binary_conv", "global_mean", "real_conv"]
    assert [output.kind for output in result.graph.nodes[0].outputs] == ["signs"]


VALUES: dict[str, Function] = {
    "step": lambda x: x * (x > T),
    "step at 0": lambda x: x * (x >= 0) - 0.1,
    "values": lambda x: x + torch.where(x > T, 0.1, 0.7),
    "values by channel": lambda x: x + torch.where(x <= BY_CHANNEL, BY_CHANNEL, 2 * SIDES),
    "truth": lambda x: x + (x < T),
    "zeros and ones": lambda x: x - (x > T).float(),
    "with a sign of zero": lambda x: 0.5 + (x > T).float() - (x < -T).float() + 0.1 * x,
    "signs as values": lambda x: x + torch.where(x >= T, 1.0, -1.0),
    "product": lambda x: x * torch.where(x > T, 1.0, -1.0),
    "of another value": lambda x: F.relu(x) * torch.where(x > 0, 2.0, -3.0) - 0.1,
    "pooled": lambda x: F.max_pool2d(torch.where(x > T, 1.0, -1.0), 3, 1, 1) + 0.1 * x,
    "pool in front": lambda x: torch.where(F.max_pool2d(x, 3, 1, 1) > T, 1.0, -1.0) + 0.1 * x,
    "maxout": lambda x: x * torch.where(x > 0, 0.3, -0.7) - 0.1,
    "maxout, or equal": lambda x: torch.where(x <= 0, SIDES, 0.3) * x,
    "constant": lambda x: x + torch.where(x > T, 0.25, 0.25),
}


@pytest.mark.parametrize("name", list(VALUES))
def test_values(name: str) -> None:
    assert_exact(randomise(Net(VALUES[name])), SIZE)


MOVED: dict[str, Function] = {
    "pool behind": lambda x: F.max_pool2d(torch.where(x > T, 1.0, -1.0), 3, 1, 1),
    "pool in front": lambda x: torch.where(F.max_pool2d(x, 3, 1, 1) > T, 1.0, -1.0),
    "pool in front of −": lambda x: torch.where(F.max_pool2d(x, 3, 1, 1) > T, -1.0, 1.0),
    "norm in front": lambda x: torch.where(F.hardtanh(2 * x - SIDES) > T, -1.0, 1.0),
    "maths and a pool": lambda x: (F.max_pool2d(x * SIDES + 0.1, 3, 1, 1) > T).float() - 0.5,
    "shuffled": lambda x: torch.where(
        F.channel_shuffle(torch.cat([x, x[:, :1]], 1), 2)[:, :5] > BY_CHANNEL, 1.0, -1.0
    ),
    "concatenated": lambda x: torch.where(
        torch.cat([x[:, 2:], 3 * x[:, :2]], 1) > BY_CHANNEL, 1.0, -1.0
    ),
    "upsampled": lambda x: torch.where(F.interpolate(x, scale_factor=2) > T, SIDES, -SIDES),
    "padded": lambda x: torch.where(F.pad(x, (1, 0, 0, 1), value=0.2) > BY_CHANNEL, 1.0, -1.0),
    "padded signs": lambda x: F.pad(torch.where(x > T, 1.0, -1.0), (1, 1, 1, 1), value=1.0),
    "of signs": lambda x: torch.where(torch.where(x > T, 1.0, -1.0) * SIDES > 0.5, 1.0, -1.0),
    "hill": lambda x: torch.where(0.4 - F.leaky_relu(x, -0.7) > BY_CHANNEL, 1.0, -1.0),
    "zeros around": lambda x: torch.where(F.pad(x, (0, 0, 0, 0, 0, 0)) > T, 1.0, -1.0),
}


@pytest.mark.parametrize("name", list(MOVED))
def test_moved(name: str) -> None:
    assert_exact(randomise(Net(MOVED[name])), SIZE)


def test_flattened_features() -> None:
    layers = (nn.Conv2d(3, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 42, 3))
    for level in (0.1, torch.linspace(-0.2, 0.2, 4).repeat_interleave(42), torch.rand(168) - 0.5):
        torch.manual_seed(0)

        class Flat(nn.Sequential):
            def forward(self, x: Tensor, level: float | Tensor = level) -> Tensor:
                conv, flatten, linear = self
                y: Tensor = linear(torch.where(flatten(conv(x)) > level, 1.0, -1.0))
                return y

        assert_exact(Flat(*layers).eval(), SIZE)


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 5, 2), (3, 1, 3)])
@pytest.mark.parametrize("channels", [1, 3, 65])
def test_other_sizes(size: tuple[int, int, int], channels: int) -> None:
    net = Net(SIGNS["x > t"], channels, groups=channels if channels == 3 else 1)
    net.stem = nn.Conv2d(size[2], channels, 3, padding=1)
    assert_exact(randomise(net), size, end_to_end=False)


REFUSED: dict[str, tuple[Function, str]] = {
    "two values": (lambda x: (x > x.mean((2, 3), True)).float(), "compares two values.*a - b < 0"),
    "equal": (lambda x: (x == 0).float(), "compare by <, <=, > or >=, with one number"),
    "sign": (torch.sign, "yields 0 for 0, which is no sign"),
    "huge": (lambda x: (x > 3.4028234663852886e38).float(), "no real of the engine is larger"),
    "not finite": (lambda x: (x > float("inf")).float(), "has a value that is not finite"),
    "a map of bounds": (lambda x: (x > torch.ones(6, 7)).float(), "one number per channel"),
    "values": (lambda x: torch.where(x > 0, x, 2 * x), "choose between constants of a channel"),
    "sum of ones": (lambda x: x + torch.ones_like(x).sum(), "reads a tensor of the size of the im"),
    "ones in a layer": (lambda x: x + F.avg_pool2d(torch.ones_like(x), 1), "of the size of the im"),
    "never": (lambda x: (F.hardtanh(x) > 1).float() - 0.5, "a number that its values never pass"),
    "odd values": (lambda x: x + (x > T).int() * 16777217, "values that float32 does not have"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_cannot_be_done_is_refused(name: str) -> None:
    function, message = REFUSED[name]
    with pytest.raises(CompileError, match=message):
        compiled(randomise(Net(function)), SIZE)


def test_truth_is_no_output() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    class Truth(nn.Module):
        def __init__(self, real: bool) -> None:
            super().__init__()
            self.model, self.real = model, real

        def forward(self, x: Tensor) -> Tensor:
            found = self.model(x) > T
            return found.float() if self.real else found

    with pytest.raises(
        CompileError, match=r"is the model's output; the engine yields reals.*add \.float"
    ):
        compiled(Truth(False).eval(), SIZE)
    assert_exact(Truth(True).eval(), SIZE)


NEIGHBOURS = st.floats(width=64).filter(lambda x: abs(x) < 3e38)


@settings(deadline=None, derandomize=True, database=None, max_examples=500)
@given(
    NEIGHBOURS, st.sampled_from(["lt", "le", "gt", "ge"]), st.sampled_from(["number", "0-d", "1-d"])
)
def test_a_level_is_the_comparison_for_every_float(bound: float, name: str, kind: str) -> None:
    """Those next to the bound decide, both zeros, and the smallest and largest of all."""
    near = np.array([bound], np.float32)
    values = [near, -near, np.array([0, -0.0, 1e-45, -1e-45, 3e38, -3e38, np.inf], np.float32)]
    for way in (np.inf, -np.inf):
        once = np.nextafter(near, np.float32(way))
        values += [once, np.nextafter(once, np.float32(way))]
    x = np.concatenate(values)
    dtype = torch.float64
    given = {"number": bound, "0-d": torch.tensor(bound, dtype=dtype)}.get(
        kind, torch.tensor([bound], dtype=dtype)
    )
    expected = getattr(torch, name)(torch.from_numpy(x), given).numpy()
    exact = np.array([bound if kind == "1-d" else np.float32(bound)], np.float64)
    level = level_of(exact, or_equal=name in ("le", "gt"))
    below = x < level
    assert (below == expected if name[0] == "l" else below != expected).all()


class Ties(nn.Module):
    """Signs of pixels, dots of them, a comparison at a value that dots have, and dots again."""

    def __init__(self, function: Function, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = BinaryConv2d(3, 6, 3, padding=1)
        self.second = BinaryConv2d(6, 6, 3, padding=1)
        self.function, self.kind = function, kind

    def forward(self, x: Tensor) -> Tensor:
        dots = self.first(x)
        if self.kind == "sums":
            dots = dots + self.first(x + 0.2)
        elif self.kind == "maths":
            dots = F.hardtanh(0.5 * dots - 1, -6, 6)
        elif self.kind == "hill":
            dots = dots * torch.where(dots < 0, -1.0, 1.0)
        elif self.kind == "pooled":
            dots = F.max_pool2d(dots, 2)
        y: Tensor = self.second(self.function(dots))
        return y.mean((2, 3))


OPERATORS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "lt": torch.lt,
    "le": torch.le,
    "gt": torch.gt,
    "ge": torch.ge,
}
BOUNDS = st.one_of(
    st.integers(-9, 9).map(float),
    st.integers(-18, 18).map(lambda n: n / 2),
    st.builds(
        lambda n, up: float(np.nextafter(np.float32(n), np.float32(up))),
        st.integers(-9, 9),
        st.sampled_from([99, -99]),
    ),
)


def _check_ties(name: str, bound: float, kind: str, is_flipped: bool) -> None:
    low, high = (1.0, -1.0) if is_flipped else (-1.0, 1.0)
    model = Ties(lambda x: torch.where(OPERATORS[name](x, bound), high, low), kind).eval()
    try:
        result = compiled(model, (4, 5, 3))
    except CompileError as error:
        if "compares with a number that its values never pass" not in str(error):
            raise
        return
    assert_same_bits(result.data, (4, 5, 3))
    images = pixels(5, (4, 5, 3), seed=3)
    found = verify(result, images)
    assert [node for node in found.nodes if not node.agrees] == []
    assert found.near["signs"] == 0
    answers = ReferenceEngine(result.data)(images)
    np.testing.assert_allclose(answers, pytorch_logits(model, images), rtol=1e-6)


KINDS = st.sampled_from(["dots", "sums", "maths", "hill", "pooled"])
PHASES = (Phase.explicit, Phase.generate)


@settings(deadline=None, derandomize=True, database=None, max_examples=8, phases=PHASES)
@given(st.sampled_from(list(OPERATORS)), BOUNDS, KINDS, st.booleans())
def test_ties_of_dots(name: str, bound: float, kind: str, is_flipped: bool) -> None:
    _check_ties(name, bound, kind, is_flipped)


@pytest.mark.slow
@settings(deadline=None, derandomize=True, database=None, max_examples=many(80), phases=PHASES)
@given(st.sampled_from(list(OPERATORS)), BOUNDS, KINDS, st.booleans())
def test_more_ties_of_dots(name: str, bound: float, kind: str, is_flipped: bool) -> None:
    _check_ties(name, bound, kind, is_flipped)


@settings(deadline=None, derandomize=True, database=None, max_examples=8, phases=PHASES)
@given(
    st.sampled_from(list(OPERATORS)),
    st.integers(1, 254),
    st.sampled_from([0.0, 0.4, 0.5, 127 / 255]),
    st.sampled_from(["plain", "pooled", "flat", "scaled"]),
    st.booleans(),
)
def test_ties_of_pixels(name: str, pixel: int, mean: float, kind: str, is_flipped: bool) -> None:
    """Every pixel against the value that PyTorch has of one of them."""
    grey = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    bound = ((np.float32(pixel) / np.float32(255)) - np.float32(mean)) / np.float32(0.26)
    low, high = (1.0, -1.0) if is_flipped else (-1.0, 1.0)

    class Compared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = BinaryConv2d(1, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            if kind == "pooled":
                x = F.max_pool2d(x, (1, 2), 1, (0, 1))
            if kind == "flat":
                x = x.flatten(1).reshape(-1, 1, 16, 16)
            at = float(bound)
            if kind == "scaled":
                x, at = -3 * x, float(np.float32(-3) * bound)
            y: Tensor = self.conv(torch.where(OPERATORS[name](x, at), high, low))
            return y

    model = Compared().eval()
    result = compile_model(model, input_size=(16, 16, 1), mean=mean, std=0.26)
    assert_same_bits(result.data, (16, 16, 1))
    x = torch.from_numpy(grey).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        expected = model((x - torch.tensor(mean)) / torch.tensor(0.26)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(ReferenceEngine(result.data)(grey), expected)


def test_a_file_of_any_size_compares_too() -> None:
    model = randomise(Net(SIGNS["tensors of the size"]))
    result = compiled(model, (8, 8, 3), any_size=True)
    assert result.graph.any_size
    assert all(each.agreement is not None for each in result.sizes)


def test_the_page_on_thresholds_says_what_its_file_has() -> None:
    page = (Path(__file__).parents[3] / "docs" / "thresholds.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    result = names["compiled"]
    (threshold,) = [sign.threshold for sign in result.graph.nodes[1].outputs]
    found = result.constants[str(threshold)]
    assert found.dtype == np.int32
    assert found.tolist() == [4] * 8
