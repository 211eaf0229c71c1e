"""ReActNet's parts. What its layers compute is in test_steps."""

from torch import nn

from signbit import methods
from signbit.nn.binarizers import MeanAbsScale, RSign
from signbit.nn.estimators import Clip, Polynomial
from signbit.nn.nonlinearities import RPReLU


def test_parts():
    method = methods.get("reactnet")
    layer = method.conv2d(4, 8, 3)
    assert type(layer.weight_binarizer) is MeanAbsScale
    assert type(layer.weight_binarizer.estimator) is Clip
    assert type(layer.activation_binarizer) is RSign
    assert layer.activation_binarizer.bias.shape == (4,)
    assert type(layer.activation_binarizer.estimator) is Polynomial
    assert type(method.nonlinearity(8)) is RPReLU
    assert type(method.stem_nonlinearity(8)) is nn.Identity


def test_latent_weights_start_small_and_positive():
    method = methods.get("reactnet")
    layer = method.conv2d(32, 64, 3)
    method.initialise(layer)
    assert layer.weight.min().item() >= 0
    assert layer.weight.max().item() <= 1e-3
