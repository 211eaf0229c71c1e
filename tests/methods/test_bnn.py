"""BNN's parts and initial weights."""

import torch
from torch import nn

from signbit import methods
from signbit.nn.binarizers import PlainSign, PlainSignActivation
from signbit.nn.estimators import Clip


def test_parts():
    method = methods.get("bnn")
    layer = method.conv2d(4, 8, 3)
    assert type(layer.weight_binarizer) is PlainSign
    assert type(layer.activation_binarizer) is PlainSignActivation
    assert type(layer.weight_binarizer.estimator) is Clip
    assert type(layer.activation_binarizer.estimator) is Clip
    assert type(method.nonlinearity(8)) is nn.Hardtanh
    assert method.latent_limit == 1


def test_latent_weights_start_glorot_uniform():
    torch.manual_seed(0)
    method = methods.get("bnn")
    layer = method.conv2d(32, 64, 3)
    method.initialise(layer)
    bound = (6 / (9 * 32 + 9 * 64)) ** 0.5
    assert 0.99 * bound < layer.weight.abs().max().item() <= bound
    assert abs(layer.weight.std().item() / (bound / 3**0.5) - 1) < 0.02
