"""Bi-Real's parts, initial weights, and the gradient that reaches a latent weight."""

import numpy as np
import torch
from torch import nn

from signbit import methods
from signbit.binarizers import MeanAbsScale, PlainSignActivation
from signbit.estimators import Clip, Polynomial


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


def test_a_layer_computes_scaled_dots_and_passes_the_gradient_to_the_weight_unscaled():
    rng = np.random.default_rng(0)
    latent, x = rng.normal(0, 0.8, (5, 12)), rng.normal(0, 0.7, (6, 12))
    incoming = rng.normal(size=(6, 5))
    layer = methods.get("bireal").linear(12, 5).double()
    layer.weight.data.copy_(torch.from_numpy(latent))
    tensor = torch.tensor(x, requires_grad=True)
    y = layer(tensor)
    y.backward(torch.from_numpy(incoming))

    signs, weight_signs = np.where(x < 0, -1.0, 1.0), np.where(latent < 0, -1.0, 1.0)
    alpha = np.abs(latent).mean(1)
    to_weight = (incoming.T @ signs) * (np.abs(latent) <= 1)
    to_x = ((incoming * alpha) @ weight_signs) * np.maximum(2 - 2 * np.abs(x), 0)
    np.testing.assert_allclose(y.detach().numpy(), (signs @ weight_signs.T) * alpha, rtol=1e-12)
    np.testing.assert_allclose(layer.weight.grad.numpy(), to_weight, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(tensor.grad.numpy(), to_x, rtol=1e-10, atol=1e-12)
