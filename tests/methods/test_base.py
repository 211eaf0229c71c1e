"""A Method's hooks, and its variants that binarize only weights or only activations."""

import pytest
import torch
from torch import nn

from signbit import methods, models
from signbit.nn.binarizers import RealActivation, RealWeight
from signbit.nn.block_order import CONV_FIRST
from signbit.nn.estimators import EDE
from signbit.nn.layers import BinaryConv2d


def schedule_of(model):
    estimators = [
        m.estimator for m in model.modules() if isinstance(getattr(m, "estimator", None), EDE)
    ]
    assert len({id(e) for e in estimators}) == len(estimators)
    return [e.parameters for e in estimators]


def test_every_scheduled_estimator_moves_and_a_resumed_model_is_where_it_was():
    method = methods.get("sdbnn", t_min=0.1, t_max=10)
    first = models.build("digits", method, classes=10, channels=1)
    for epoch in range(4):
        method.on_epoch(first, epoch, 8)
    resumed = models.build("digits", method, classes=10, channels=1)
    assert schedule_of(resumed) != schedule_of(first)
    method.on_epoch(resumed, 3, 8)
    t = 10 ** (-1 + 2 * 3 / 8)
    assert schedule_of(resumed) == schedule_of(first) == [(t, 1 / t)] * 4


def test_latent_weights_are_clipped_and_real_ones_are_not():
    method = methods.get("bnn")
    model = nn.Sequential(method.conv2d(1, 2, 3), nn.Conv2d(2, 2, 1), method.linear(4, 2))
    for parameter in model.parameters():
        parameter.data.fill_(-3.0)
    method.after_step(model)
    assert [p.unique().item() for p in model.parameters()] == [-1, -3, -3, -1]


def test_a_method_without_limit_leaves_latent_weights_alone():
    method = methods.get("sdbnn")
    model = method.conv2d(1, 2, 3)
    model.weight.data.fill_(3.0)
    method.after_step(model)
    assert torch.equal(model.weight, torch.full((2, 1, 3, 3), 3.0))


@pytest.mark.parametrize("name", methods.names())
def test_variants_keep_layers_and_leave_out_one_binarizer(name):
    both = methods.get(name).conv2d(8, 16, 3)
    activations = methods.get(name, binarize="activations").conv2d(8, 16, 3)
    weights = methods.get(name, binarize="weights").conv2d(8, 16, 3)
    assert type(activations) is type(weights) is BinaryConv2d
    assert type(activations.weight_binarizer) is RealWeight
    assert type(activations.activation_binarizer) is type(both.activation_binarizer)
    assert type(weights.activation_binarizer) is RealActivation
    assert type(weights.weight_binarizer) is type(both.weight_binarizer)


@pytest.mark.parametrize("name", methods.names())
@pytest.mark.parametrize("stage", ["activations", "weights"])
def test_a_stage_has_the_same_parameters_but_for_the_binarizer_it_lacks(name, stage):
    """So that the second stage of a training takes over all that the first one has."""
    left_out = "weight_binarizer." if stage == "activations" else "activation_binarizer."
    first, second = (
        models.build("digits", methods.get(name, binarize=what), classes=10, channels=1)
        for what in (stage, "both")
    )
    before, after = first.state_dict(), second.state_dict()
    assert set(before) <= set(after)
    assert all(left_out in key for key in set(after) - set(before))
    assert all(value.shape == after[key].shape for key, value in before.items())


def test_real_weights_are_not_clipped():
    method = methods.get("bnn", binarize="activations")
    layer = method.conv2d(1, 2, 3)
    layer.weight.data.fill_(-3.0)
    method.after_step(layer)
    assert layer.weight.unique().tolist() == [-3]


@pytest.mark.parametrize("name", ["bireal", "xnor"])
def test_real_activations_go_through_a_relu_where_the_sign_was_the_only_non_linearity(name):
    layer = methods.get(name, binarize="weights").conv2d(8, 16, 3)
    assert type(layer.activation_binarizer.function) is nn.ReLU


def test_a_stem_has_the_method_s_non_linearity_unless_it_says_otherwise():
    assert type(methods.get("bnn").stem_nonlinearity(4)) is nn.Hardtanh
    assert methods.get("bnn").order is CONV_FIRST
