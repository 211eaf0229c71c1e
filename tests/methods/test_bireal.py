"""Bi-Real's parts and initial weights. What its layers compute is in test_steps."""

import torch
from torch import nn

from signbit import methods
from signbit.nn.binarizers import MeanAbsScale, PlainSignActivation
from signbit.nn.estimators import Clip, Polynomial


def test_parts():
    method = methods.get("bireal")
    layer = method.conv2d(4, 8, 3)
    assert type(layer.weight_binarizer) is MeanAbsScale
    assert type(layer.activation_binarizer) is PlainSignActivation
    assert type(layer.weight_binarizer.estimator) is Clip
    assert type(layer.activation_binarizer.estimator) is Polynomial
    assert type(method.nonlinearity(8)) is nn.Identity
    assert method.latent_limit is None


def test_latent_weights_start_small_and_positive():
    torch.manual_seed(0)
    method = methods.get("bireal")
    real = nn.Conv2d(8, 8, 3)
    before = real.weight.detach().clone()
    binary, linear = method.conv2d(32, 64, 3), method.linear(256, 100)
    method.initialise(nn.ModuleList([binary, real, linear]))
    for layer in (binary, linear):
        assert 0 <= layer.weight.min().item() < 2e-5
        assert 0.99e-3 < layer.weight.max().item() <= 1e-3
        assert abs(layer.weight.mean().item() - 5e-4) < 1e-5
    assert torch.equal(real.weight, before)
