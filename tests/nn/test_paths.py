"""why: the way of each layer and its reason, by the layers alone and as a call decides it."""

from __future__ import annotations

import doctest

import torch
from torch import nn

import signbit.nn.paths
from signbit import methods, models
from signbit.fast import use_native_ops
from signbit.nn.binarizers import AdaptiveWeight
from signbit.nn.blocks import ConvBlock
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.nn.paths import why


def paths(module: nn.Module, images: torch.Tensor | None = None) -> dict[str, tuple[str, str]]:
    return {layer.module: (layer.path, layer.reason) for layer in why(module, images)}


def test_a_layer_and_its_reason() -> None:
    assert paths(BinaryConv2d(16, 16, 3)) == {"": ("native", "")}
    assert paths(BinaryLinear(16, 16)) == {"": ("native", "")}
    adaptive = BinaryConv2d(16, 16, 3, groups=2, weight_binarizer=AdaptiveWeight())
    assert paths(adaptive) == {"": ("reference", "its weight has an offset, and it has groups")}
    with use_native_ops(False):
        assert paths(BinaryConv2d(16, 16, 3))[""] == ("reference", "native ops are switched off")


def test_a_block_is_a_unit_or_says_why_it_is_none() -> None:
    block = ConvBlock(BinaryConv2d(16, 16, 3), nn.BatchNorm2d(16), nn.Hardtanh())
    assert paths(block) == {"0": ("unit", "")}
    block[1].register_full_backward_hook(lambda *_: None)
    assert paths(block) == {"0": ("native", "no unit: BatchNorm2d has a hook")}
    odd = ConvBlock(BinaryConv2d(16, 20, 3), nn.BatchNorm2d(20), nn.Hardtanh())
    assert paths(odd)["0"] == ("native", "no unit: a unit has a multiple of 16 output channels")


def test_a_call_decides_what_an_input_alone_can_say() -> None:
    layer = BinaryConv2d(16, 16, 3)
    images = torch.randn(2, 16, 5, 5)
    assert paths(layer, images)[""] == ("native", "")
    with torch.autocast("cpu", torch.bfloat16):
        assert paths(layer, images)[""] == ("reference", "autocast is on")
    path, reason = paths(layer.double(), images.double())[""]
    assert path == "reference"
    assert "float64 on cpu" in reason
    layer.float().eval()
    with torch.no_grad():
        path, reason = paths(layer, images)[""]
        assert (path, "channels-last" in reason) == ("reference", True)
        assert paths(layer, images.to(memory_format=torch.channels_last))[""] == ("native", "")


def test_every_layer_of_a_network_is_named_and_nothing_changes() -> None:
    model = models.build("resnet20", methods.get("reactnet"), classes=10, channels=3).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    images = torch.randn(2, 3, 32, 32)
    torch.set_rng_state(state)
    found = why(model, images)
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    binary = {layer.module: layer.path for layer in found if layer.kind == "BinaryConv2d"}
    assert len(binary) == 18
    assert {*binary.values()} == {"unit"}
    assert {layer.path for layer in found if layer.kind == "RPReLU"} == {"native"}
    alone = {layer.module for layer in why(model) if layer.kind == "BinaryConv2d"}
    assert alone == {*binary}


def test_docstring_examples() -> None:
    assert doctest.testmod(signbit.nn.paths).failed == 0
