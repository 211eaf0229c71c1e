"""Binary layers whose operands are no signs: refused by name, allowed by name, or meant so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compiler.nets import assert_same_answers, compiled, op_names, pixels
from torch import Tensor, nn

import signbit
from signbit.compiler.checks.silent_floats import why_no_signs
from signbit.compiler.verification.verify import verify
from signbit.errors import CompileError
from signbit.nn.binarizers import (
    BinaryActivation,
    BinaryWeight,
    MeanAbsScale,
    PlainSign,
    RealActivation,
    RealWeight,
)
from signbit.nn.binarizers.activations import ActivationBinarizer
from signbit.nn.binarizers.weights import WeightBinarizer
from signbit.nn.blocks import ConvBlock
from signbit.nn.estimators import sign
from signbit.nn.layers import BinaryConv2d, BinaryLinear, binary_conv2d, binary_linear

SIZE = (6, 6, 3)


class Weights(WeightBinarizer):
    """What a function makes of the latent weights, as signs."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, weight: Tensor) -> BinaryWeight:
        return BinaryWeight(self.function(weight))


class Inputs(ActivationBinarizer):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> BinaryActivation:
        return BinaryActivation(self.function(x))


def _net(layer: BinaryConv2d) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, layer.in_channels, 3), nn.Sequential(layer)).eval()


def _reason(model: nn.Module, **arguments: Any) -> str:
    with pytest.raises(CompileError) as caught:
        compiled(model, SIZE, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_one_zero_among_the_weights() -> None:
    layer = BinaryConv2d(4, 8, 3, weight_binarizer=Weights(torch.sign))
    assert "binary_conv" in op_names(compiled(_net(layer), SIZE))
    with torch.no_grad():
        layer.weight[5, 2, 0, 1] = 0
    assert _reason(_net(layer)) == (
        "1.0 (signbit.binary_conv2d): is no product of signs: weight 5,2,0,1 is 0: torch.sign "
        "gives 0 there, signbit's sign gives +1; use signbit.nn.sign; to compute the layer "
        "in float32 all the same, name it: allow_real=['1.0'] or --allow-real 1.0"
    )


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    kind=st.sampled_from(["zero", "scale", "scale per tap", "real", "three values"]),
    groups=st.sampled_from([1, 2, 4]),
    kernel=st.integers(1, 3),
    linear=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_kind_of_lost_weight_is_found(
    kind: str, groups: int, kernel: int, linear: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    shape = (8, 12) if linear else (8, 8 // groups, kernel, kernel)
    real = torch.randn(shape, generator=generator)
    signs = torch.where(real < 0, -1.0, 1.0)
    assert why_no_signs(signs.double().numpy()) == ""
    place = int(torch.randint(signs.numel(), (), generator=generator))
    index = ",".join(map(str, np.unravel_index(place, shape)))
    lost, expected = signs.clone(), f"weight {index} is 0"
    if kind == "zero":
        lost.view(-1)[place] = 0
    elif kind == "scale":
        lost, expected = signs * 0.25, "the signs hold a scale (0.25 in filter 0)"
    elif kind == "scale per tap":
        lost.view(-1)[place], expected = 1.5, f"weight {index} is 1.5, neither"
        if signs[0].numel() == 1:
            expected = "the signs hold a scale (1.5"
    elif kind == "real":
        lost, expected = real, "the signs hold a scale" if real[0].numel() == 1 else "neither −1"
    else:
        lost, expected = torch.where(real.abs() < 0.5, 0.0, signs), "is 0: torch.sign"
        lost.view(-1)[place] = 0
    assert expected in why_no_signs(lost.double().numpy())


def test_lost_inputs() -> None:
    layer = BinaryConv2d(4, 8, 3, activation_binarizer=Inputs(lambda x: x.clamp(-1, 1)))
    reason = _reason(_net(layer))
    assert (
        "1.0 (signbit.binary_conv2d): is no product of signs: its input holds the reals" in reason
    )
    assert "RealActivation" in reason


def test_both_operands_lost_are_both_named() -> None:
    layer = BinaryConv2d(
        *(4, 8, 3),
        weight_binarizer=Weights(torch.tanh),
        activation_binarizer=Inputs(lambda x: x.clamp(-1, 1)),
    )
    reason = _reason(_net(layer))
    assert "neither −1 nor +1" in reason
    assert "; and its input holds the reals" in reason


@pytest.mark.parametrize(
    "function",
    [lambda x: x.sign(), lambda x: x.round(), torch.sgn],
)
def test_hand_written_signs_of_inputs_never_become_reals(
    function: Callable[[Tensor], Tensor],
) -> None:
    layer = BinaryConv2d(4, 8, 3, activation_binarizer=Inputs(function))
    assert "1.0" in _reason(_net(layer))


@pytest.mark.parametrize(
    "function",
    [lambda x: torch.where(x < 0, -1.0, 1.0), lambda x: (x >= 0) * 2.0 - 1.0],
)
def test_comparisons_as_signs_of_inputs_multiply_as_signs(
    function: Callable[[Tensor], Tensor],
) -> None:
    layer = BinaryConv2d(4, 8, 3, activation_binarizer=Inputs(function))
    nodes = {node.name: node.op for node in compiled(_net(layer), SIZE).graph.nodes}
    assert nodes["1.0"] == "binary_conv"


class Kept(RealWeight):
    """A user's own form of it."""


@pytest.mark.slow
@pytest.mark.parametrize("weights", [PlainSign(), MeanAbsScale(), RealWeight(), Kept()])
@pytest.mark.parametrize("inputs", [None, RealActivation(), RealActivation(nn.ReLU())])
def test_what_is_meant_to_be_real_compiles(
    weights: WeightBinarizer, inputs: ActivationBinarizer | None
) -> None:
    layer = BinaryConv2d(4, 8, 3, weight_binarizer=weights, activation_binarizer=inputs)
    result = assert_same_answers(_net(layer), SIZE)
    real = isinstance(weights, RealWeight) or inputs is not None
    assert op_names(result)[-1] == ("real_conv" if real else "binary_conv")


class OwnForward(BinaryConv2d):
    def forward(self, x: Tensor) -> Tensor:
        weight = BinaryWeight(torch.sign(self.weight) * 0.5)
        return binary_conv2d(sign(x, "clip"), weight)


def test_a_subclass_with_its_own_forward_is_a_binary_layer_too() -> None:
    assert "hold a scale (0.5" in _reason(_net(OwnForward(4, 8, 3)))


class Calls(nn.Module):
    """A user's own layer, which calls the operation."""

    def __init__(self, function: Callable[[Tensor], Tensor], *, linear: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 3 * 36) if linear else torch.randn(8, 3, 3, 3))
        with torch.no_grad():
            self.weight.view(-1)[1] = 0
        self.function = function
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        weight = BinaryWeight(self.function(self.weight))
        if self.linear:
            return binary_linear(sign(x.flatten(1), "clip"), weight)
        return binary_conv2d(sign(x, "clip"), weight)


@pytest.mark.slow
@pytest.mark.parametrize("linear", [False, True])
def test_calls_of_the_operations(linear: bool) -> None:
    def net(function: Callable[[Tensor], Tensor]) -> nn.Module:
        return nn.Sequential(Calls(function, linear=linear)).eval()

    place = "0,1" if linear else "0,0,0,1"
    assert f"weight {place} is 0" in _reason(net(torch.sign))
    scaled = _reason(net(lambda w: sign(w, "clip") * w.abs().mean()))
    assert scaled.startswith("0 (signbit.binary_")
    assert "hold a scale" in scaled
    assert "hold a scale" in _reason(net(lambda w: torch.where(w < 0, -0.5, 0.5)))
    assert "is 0" in _reason(net(lambda w: (w > 0).float() - (w < 0).float()))
    # Signs that were stored, one of them lost, and latent weights, which were never signs.
    stored = net(lambda w: w)
    assert op_names(compiled(stored, SIZE))[-1] == "real_conv"
    parameter = stored[0].weight
    assert isinstance(parameter, nn.Parameter)
    parameter.data.sign_()
    assert f"weight {place} is 0" in _reason(stored)


def test_the_model_itself_may_be_the_layer() -> None:
    layer = BinaryConv2d(3, 8, 3, weight_binarizer=Weights(torch.tanh)).eval()
    assert "allow_real=['binary_conv2d']" in _reason(layer)
    assert op_names(compiled(layer, SIZE, allow_real=["binary_conv2d"]))[-1] == "real_conv"


class Deep(nn.Module):
    """Two layers that lost their signs, one of them twice used, and one that did not."""

    def __init__(self) -> None:
        super().__init__()
        lost = BinaryConv2d(8, 8, 3, padding=1, weight_binarizer=Weights(torch.tanh))
        kept = BinaryConv2d(8, 8, 3, padding=1)
        self.stem = nn.Conv2d(3, 8, 3)
        self.layer2 = nn.Sequential(ConvBlock(lost, nn.BatchNorm2d(8), nn.Hardtanh()))
        self.norm = nn.BatchNorm2d(8)
        self.kept = kept
        self.last = BinaryLinear(8 * 16, 5, weight_binarizer=Weights(lambda w: w.sign() * 0.5))

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer2(self.layer2(self.stem(x)))
        y: Tensor = self.last(self.kept(self.norm(x)).flatten(1))
        return y


@pytest.mark.slow
def test_layers_are_allowed_by_name_alone() -> None:
    model = Deep().eval()
    name = "layer2.0.0"
    assert name in dict(model.named_modules())
    with pytest.raises(CompileError) as caught:
        compiled(model, SIZE)
    assert [refusal.where for refusal in caught.value.refusals] == [name, "last"]
    assert _reason(model, allow_real=[name]).startswith("last (signbit.binary_linear)")
    result = compiled(model, SIZE, allow_real=(name, "last"))
    kinds = {layer.name: layer for layer in result.cost.layers if layer.weight}
    assert kinds["kept"].kind == "binary"
    for allowed in (name, f"{name}.binary_conv2d", "last"):
        assert kinds[allowed].why.startswith("allowed by name"), kinds[allowed]
    assert "stem" in kinds
    # The file remembers it, and both sides compute the same.
    assert signbit.load(result.data).source["allow_real"] == f"{name}, last"
    assert verify(result, pixels(4, SIZE)).agrees


@pytest.mark.slow
@pytest.mark.parametrize("name", ["layer2", "kept", "stem", "nowhere", ""])
def test_a_name_that_allows_nothing_lists_the_choices(name: str) -> None:
    with pytest.raises(CompileError) as caught:
        compiled(Deep().eval(), SIZE, allow_real=["last", name])
    first, second = caught.value.refusals
    assert first.reason == f"allow_real: {name!r} is no layer that lost its signs"
    assert first.cure == "choose among layer2.0.0, last"
    assert second.where == "layer2.0.0"


def test_a_name_where_no_layer_lost_its_signs() -> None:
    reason = _reason(_net(BinaryConv2d(4, 8, 3)), allow_real=["1.0"])
    assert re.search(r"'1\.0' is no layer that lost its signs; this model has none", reason)
