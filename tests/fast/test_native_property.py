"""Whatever a layer is made of and given: native ops give the bits of the modules, or step aside."""

from __future__ import annotations

import copy
import os
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fast.common import dots
from tests.memory import MEMORY
from tests.training import worlds
from torch import Tensor, nn

from signbit.fast import use_native_ops
from signbit.nn import binarizers as parts
from signbit.nn.binarizers import BinaryWeight
from signbit.nn.blocks import normalised_conv
from signbit.nn.estimators import EDE, Clip, Estimator, Identity, Polynomial
from signbit.nn.layers import BinaryConv2d, BinaryLinear, binary_conv2d
from signbit.runtime import _native

ESTIMATORS: list[Estimator] = [
    Identity(),
    Clip(),
    Clip(0.6),
    Polynomial(),
    EDE(0.9, 0.9),
]

WEIGHTS = {
    "plain": lambda out, e: parts.PlainSign(e),
    "mean abs": lambda out, e: parts.MeanAbsScale(e),
    "abs mean": lambda out, e: parts.AbsMeanScale(e),
    "xnor": lambda out, e: parts.XnorScale(e),
    "wsd": lambda out, e: parts.WSD(out, e),
    "scaled wsd": lambda out, e: parts.ScaledWSD(out, e),
    "libra": lambda out, e: parts.Libra(e),
    "adaptive": lambda out, e: parts.AdaptiveWeight(e),
    "real": lambda out, e: parts.RealWeight(),
}
ACTIVATIONS = {
    "plain": lambda channels, e: parts.PlainSignActivation(e),
    "map": lambda channels, e: parts.MeanAbsMap(e),
    "asd": lambda channels, e: parts.ASD(channels, 4, e),
    "rsign": lambda channels, e: parts.RSign(channels, e),
    "adaptive": lambda channels, e: parts.AdaptiveActivation(e),
    "real": lambda channels, e: parts.RealActivation(),
}


@dataclass(frozen=True)
class Case:
    seed: int
    memory: str
    images: int
    size: tuple[int, int]
    channels: int
    out: int
    kernel: tuple[int, int]
    geometry: tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]
    weight: str
    activation: str
    estimator: Estimator
    training: bool
    gradients: bool

    def layer(self) -> BinaryConv2d:
        torch.manual_seed(self.seed)
        layer = BinaryConv2d(
            *(self.channels, self.out, self.kernel, *self.geometry),
            weight_binarizer=WEIGHTS[self.weight](self.out, self.estimator),
            activation_binarizer=ACTIVATIONS[self.activation](self.channels, self.estimator),
        )
        if isinstance(layer.activation_binarizer, parts.RSign):
            nn.init.normal_(layer.activation_binarizer.bias)
        return layer.train(self.training)

    def input(self) -> Tensor:
        torch.manual_seed(self.seed)
        return MEMORY[self.memory](self.images, self.channels, *self.size)


def pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(least, most), st.integers(least, most))


@st.composite
def cases(draw: Any) -> Case:
    channels = draw(st.integers(1, 130))
    groups = draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
    out = groups * draw(st.integers(1, max(1, min(20, 130 // groups))))
    kernel, stride, padding = draw(pairs(1, 5)), draw(pairs(1, 3)), draw(pairs(0, 3))
    dilation = draw(pairs(1, 2))
    more = draw(pairs(0, 4))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + m
        for d, k, p, m in zip(dilation, kernel, padding, more, strict=True)
    )
    one_weight = channels // groups * kernel[0] * kernel[1] == 1  # has no deviation
    return Case(
        seed=draw(st.integers(0, 99)),
        memory=draw(st.sampled_from(sorted(MEMORY))),
        images=draw(st.integers(1, 3)),
        size=(size[0], size[1]),
        channels=channels,
        out=out,
        kernel=kernel,
        geometry=(stride, padding, dilation, groups),
        weight=draw(
            st.sampled_from([name for name in WEIGHTS if not one_weight or name != "libra"])
        ),
        activation=draw(st.sampled_from(sorted(ACTIVATIONS))),
        estimator=draw(st.sampled_from(ESTIMATORS)),
        training=draw(st.booleans()),
        gradients=draw(st.booleans()),
    )


def step(layer: nn.Module, x: Tensor, native: bool, gradients: bool) -> list[Tensor]:
    """The result and, with `gradients`, those of the input and all parameters that have one."""
    leaf = x.detach().requires_grad_(gradients)
    with use_native_ops(native), nullcontext() if gradients else torch.no_grad():
        y = layer(leaf)
        if not gradients:
            return [y]
        y.backward(torch.arange(y.numel()).reshape(y.shape).sin())
    return [y.detach(), *(t.grad for t in (leaf, *layer.parameters()) if t.grad is not None)]


def assert_within_rounding(mine: list[Tensor], theirs: list[Tensor]) -> None:
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        scale = float(other.abs().max()) + 1e-6
        torch.testing.assert_close(one, other, rtol=0, atol=2e-5 * scale)


@settings(
    max_examples=int(os.environ.get("NATIVE_EXAMPLES", "60")), deadline=None, derandomize=True
)
@given(cases())
def test_a_layer_is_its_reference(case: Case) -> None:
    layer, x = case.layer(), case.input()
    native, *of_native = step(layer, x, True, case.gradients)
    plain, *of_plain = step(copy.deepcopy(case.layer()), x, False, case.gradients)
    assert torch.equal(native, plain)
    assert_within_rounding(of_native, of_plain)
    real = nn.Conv2d(case.channels, case.out, case.kernel, *case.geometry, bias=False)(x)
    # Images of one channel or one pixel are contiguous and channels-last alike.
    assert case.channels == 1 or case.size == (1, 1) or native.stride() == real.stride()


@settings(
    max_examples=int(os.environ.get("NATIVE_EXAMPLES", "60")), deadline=None, derandomize=True
)
@given(cases())
def test_dots_are_exact_for_any_groups(case: Case) -> None:
    """The op itself, whether or not a layer would choose it."""
    layer, x = case.layer(), case.input()
    weight = BinaryWeight(Clip()(layer.weight.detach()))
    moved = x if case.activation == "plain" else x + 0.25
    shift = None if case.activation == "plain" else x.new_full(x.shape[:2], 0.25)
    surrogate = (case.estimator.name, case.estimator.parameters)
    mine = dots(x, shift, weight.signs, None, surrogate, *case.geometry)
    assert torch.equal(mine, binary_conv2d(Clip()(moved), weight, *case.geometry))


ONE_SET = """
import os, sys
import pytest

os.environ.update(SIGNBIT_ISA=sys.argv[1], NATIVE_EXAMPLES="25")
os.dup2(2, 1)
asked = ["-q", "-p", "no:cacheprovider", sys.argv[2], "-k", "reference or exact"]
assert pytest.main(asked) == 0
"""


@pytest.mark.slow
@pytest.mark.parametrize("isa", _native.usable_isas()[1:])
def test_on_every_instruction_set(isa: str) -> None:
    """The first one is this process's; each of the others has a process of its own."""
    worlds.run_script(ONE_SET, isa, __file__)


class Unit(nn.Module):
    def __init__(self, case: Case, out: int, pool: int, nonlinearity: nn.Module) -> None:
        super().__init__()
        self.conv = case.layer()
        self.pool = nn.MaxPool2d(pool) if pool > 1 else None
        self.norm, self.nonlinearity = nn.BatchNorm2d(out), nonlinearity

    def forward(self, x: Tensor) -> Tensor:
        return normalised_conv(self.conv, self.norm, self.nonlinearity, x, pool=self.pool)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(cases(), st.integers(1, 2), st.booleans(), st.booleans())
def test_a_unit_lies_and_computes_as_its_modules(
    case: Case, pool: int, clips: bool, multiple: bool
) -> None:
    """With a multiple of 16 filters, without groups and dilation, it is one op, else it is not."""
    if multiple:
        stride, padding, *_ = case.geometry
        geometry = (stride, padding, (1, 1), 1)
        case = Case(**{**vars(case), "geometry": geometry, "out": 16, "weight": "plain"})
    torch.manual_seed(case.seed)
    unit = Unit(case, case.out, pool, nn.Hardtanh() if clips else nn.Identity()).train()
    plain = copy.deepcopy(unit)
    x = case.input()
    try:
        wanted = step(plain, x, False, case.gradients)
    except (RuntimeError, ValueError) as error:  # nothing to pool, or a single value per channel
        with pytest.raises(type(error)):
            step(unit, x, True, case.gradients)
        return
    found = step(unit, x, True, case.gradients)
    if found[0].numel() > 4 * case.out:  # the spread of fewer values is mostly rounding
        torch.testing.assert_close(found[0], wanted[0], rtol=1e-3, atol=1e-3)
    one = case.channels == 1 or case.size == (1, 1)
    assert one or found[0].stride() == wanted[0].stride()
    for mine, theirs in zip(unit.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-3)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.integers(1, 130),
    st.integers(1, 40),
    st.sampled_from(sorted(WEIGHTS)),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.sampled_from(ESTIMATORS),
    st.booleans(),
    st.booleans(),
)
def test_a_linear_layer_is_its_reference(
    features: int,
    out: int,
    weight: str,
    activation: str,
    estimator: Estimator,
    training: bool,
    transposed: bool,
) -> None:
    if features == 1 and weight == "libra":
        weight = "plain"
    layer = BinaryLinear(
        features,
        out,
        weight_binarizer=WEIGHTS[weight](out, estimator),
        activation_binarizer=ACTIVATIONS[activation](features, estimator),
    ).train(training)
    x = torch.randn(features, 5).t() if transposed else torch.randn(5, features)
    native, *of_native = step(copy.deepcopy(layer), x, True, True)
    plain, *of_plain = step(layer, x, False, True)
    assert torch.equal(native, plain)
    assert native.stride() == plain.stride()
    assert_within_rounding(of_native, of_plain)
