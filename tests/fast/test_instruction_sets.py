"""The same training step on every instruction set, each in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.training import worlds

from signbit.runtime import _native

STEP = """
import copy, json, os, sys, torch
os.environ["SIGNBIT_ISA"] = sys.argv[1]
from torch import nn
from signbit.nn.binarizers import (
    ASD, WSD, AdaptiveActivation, AdaptiveWeight, MeanAbsMap, PlainSign, XnorScale)
from signbit.nn.blocks import normalised_conv
from signbit.nn.estimators import EDE, Polynomial
from signbit.nn.layers import BinaryConv2d
from signbit.nn.nonlinearities import RPReLU
from signbit.fast import use_native_ops

def step(layer, pool, norm, x, other, native):
    x = x.clone().requires_grad_()
    with use_native_ops(native):
        y = normalised_conv(layer, norm, nn.Hardtanh(), x, other, pool=pool)
        (y * torch.arange(y.numel()).reshape(y.shape).sin()).sum().backward()
    return [y.detach(), x.grad, *(p.grad for m in (layer, norm) for p in m.parameters())]

torch.manual_seed(0)
worst = 0.0
for channels, out, window in ((16, 16, 1), (20, 48, 1), (64, 32, 1), (16, 48, 2), (24, 32, 3)):
    layer = BinaryConv2d(channels, out, 3, padding=1, weight_binarizer=WSD(out, EDE(1.0, 1.0)),
                         activation_binarizer=ASD(channels, 4, EDE(1.0, 1.0)))
    norm = nn.BatchNorm2d(out)
    x, other = torch.randn(5, channels, 7, 9), torch.randn(5, out, 7 // window, 9 // window)
    pool = None if window == 1 else nn.MaxPool2d(window)
    double_layer, double_norm = (copy.deepcopy(module).double() for module in (layer, norm))
    doubles = (double_layer, pool, double_norm, x.double(), other.double())
    for mine, theirs in zip(step(layer, pool, norm, x, other, True), step(*doubles, False)):
        worst = max(worst, float((mine - theirs).abs().max() / theirs.abs().max()))
for channels, out, groups in ((16, 16, 1), (20, 33, 1), (3, 65, 1), (21, 21, 21)):
    weights = AdaptiveWeight() if groups == 1 else PlainSign()
    layer = BinaryConv2d(channels, out, 3, padding=1, groups=groups, weight_binarizer=weights,
                         activation_binarizer=AdaptiveActivation(Polynomial()))
    nn.init.constant_(layer.activation_binarizer.alpha, 0.7)
    nn.init.constant_(layer.activation_binarizer.beta, -0.2)
    norm = nn.BatchNorm2d(out)
    x, other = torch.randn(5, channels, 7, 9), torch.randn(5, out, 7, 9)
    x = x.contiguous(memory_format=torch.channels_last)
    double_layer, double_norm = (copy.deepcopy(module).double() for module in (layer, norm))
    doubles = (double_layer, None, double_norm, x.double(), other.double())
    for mine, theirs in zip(step(layer, None, norm, x, other, True), step(*doubles, False)):
        worst = max(worst, float((mine - theirs).abs().max() / theirs.abs().max()))
for channels, out in ((3, 1), (16, 16), (20, 33)):
    layer = BinaryConv2d(channels, out, 3, padding=1, weight_binarizer=XnorScale(),
                         activation_binarizer=MeanAbsMap())
    x = torch.randn(5, channels, 7, 9).contiguous(memory_format=torch.channels_last)
    double = copy.deepcopy(layer).double()
    found = []
    for module, images in ((layer, x), (double, x.double())):
        images = images.clone().requires_grad_()
        y = module(images)
        (y * torch.arange(y.numel()).reshape(y.shape).sin()).sum().backward()
        found.append([y.detach(), images.grad, module.weight.grad])
    for mine, theirs in zip(*found):
        worst = max(worst, float((mine - theirs).abs().max() / theirs.abs().max()))
for channels in (7, 16, 20, 61):
    bent = RPReLU(channels)
    for parameter in bent.parameters():
        nn.init.normal_(parameter)
    x, gradient = torch.randn(2, 3, channels, 7, 9)
    double = copy.deepcopy(bent).double()
    found = []
    for module, images in ((bent, x), (double, x.double())):
        images = images.clone().requires_grad_()
        y = module(images)
        y.backward(gradient.to(y.dtype))
        found.append([y.detach(), images.grad, *(p.grad for p in module.parameters())])
    for mine, theirs in zip(*found):
        worst = max(worst, float((mine - theirs).abs().max() / theirs.abs().max()))
with open(sys.argv[2], "w") as file:
    json.dump(worst, file)
"""


@pytest.mark.slow
@pytest.mark.parametrize("isa", _native.usable_isas())
def test_a_step_agrees_with_float64(isa: str, tmp_path: Path) -> None:
    worlds.run_script(STEP, isa, tmp_path / "worst.json")
    assert 0 < json.loads((tmp_path / "worst.json").read_text()) < 1e-5
