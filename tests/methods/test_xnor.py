"""XNOR-Net's parts and its choices. What its layers compute is in test_steps."""

import torch
from torch import nn

from signbit import methods
from signbit.nn.binarizers import (
    AbsMeanScale,
    MeanAbsMap,
    PlainSignActivation,
    ReleasedXnorScale,
    XnorScale,
)
from signbit.nn.block_order import NORM_FIRST
from signbit.nn.estimators import Clip, ClipInside


def test_parts():
    method = methods.get("xnor")
    layer = method.conv2d(4, 8, 3)
    assert type(layer.weight_binarizer) is XnorScale
    assert type(layer.activation_binarizer) is MeanAbsMap
    assert type(layer.weight_binarizer.estimator) is Clip
    assert type(layer.activation_binarizer.estimator) is Clip
    assert type(method.nonlinearity(8)) is nn.Identity
    assert method.latent_limit == 1
    assert method.order is NORM_FIRST


def test_choices():
    layer = methods.get("xnor", activation_scale=False, scale="abs-mean").conv2d(4, 8, 3)
    assert type(layer.weight_binarizer) is AbsMeanScale
    assert type(layer.activation_binarizer) is PlainSignActivation


def test_initial_weights_are_pytorch_s():
    method = methods.get("xnor")
    layer = method.conv2d(4, 8, 3)
    before = layer.weight.detach().clone()
    method.initialise(layer)
    assert torch.equal(layer.weight, before)


def test_the_released_code_s_gradients_and_eps():
    method = methods.get("xnor", scale="released")
    layer = method.conv2d(4, 8, 3)
    assert type(layer.weight_binarizer) is ReleasedXnorScale
    assert type(layer.weight_binarizer.estimator) is ClipInside
    assert type(layer.activation_binarizer.estimator) is ClipInside
    norm = method.order.norm(4, 8)
    assert (norm.num_features, norm.eps) == (4, 1e-4)
    assert methods.get("xnor").order.norm(4, 8).eps == 1e-5


def test_a_filter_of_one_channel_learns_nothing_by_the_released_code():
    layer = methods.get("xnor", scale="released").conv2d(1, 2, 3)
    layer(torch.randn(2, 1, 5, 5)).sum().backward()
    assert not layer.weight.grad.any()
