"""SD-BNN's parts, parameters and initial weights."""

import pytest
import torch
from torch import nn

from signbit import methods
from signbit.nn.binarizers import ASD, WSD, MeanAbsScale, PlainSign, PlainSignActivation, ScaledWSD
from signbit.nn.estimators import EDE, Clip, Polynomial


def test_parts_and_parameters():
    layer = methods.get("sdbnn", reduction=8, t_min=0.1, t_max=5).conv2d(64, 96, 3)
    assert isinstance(layer.weight_binarizer, WSD)
    assert layer.weight_binarizer.a.shape == (96,)
    assert isinstance(layer.activation_binarizer, ASD)
    assert layer.activation_binarizer.squeeze.weight.shape == (8, 64)
    for part in (layer.weight_binarizer, layer.activation_binarizer):
        assert (part.estimator.t_min, part.estimator.t_max) == (0.1, 5)
    assert isinstance(methods.get("sdbnn").nonlinearity(3), nn.Hardtanh)


def std_of(parameter):
    return parameter.std().item()


@pytest.mark.parametrize("initial_weights", ["kaiming", "fan-out"])
def test_initial_weights(initial_weights):
    torch.manual_seed(0)
    method = methods.get("sdbnn", reduction=1, initial_weights=initial_weights)
    binary, real = method.conv2d(64, 128, 3), nn.Conv2d(64, 128, 5)
    linear, binary_linear = nn.Linear(256, 100), method.linear(256, 100)
    model = nn.ModuleList([binary, real, linear, binary_linear])
    method.initialise(model)
    squeeze = binary.activation_binarizer.squeeze
    if initial_weights == "kaiming":
        expected = {binary: 2 / (9 * 64), real: 2 / (25 * 64), linear: 2 / 256, squeeze: 2 / 64}
        expected[binary_linear] = 2 / 256
    else:
        expected = {binary: 2 / (9 * 128), real: 2 / (25 * 128)}
        expected |= dict.fromkeys([linear, binary_linear, squeeze], 1e-4)
    for module, variance in expected.items():
        assert std_of(module.weight) == pytest.approx(variance**0.5, rel=0.04)
    assert torch.count_nonzero(binary.weight_binarizer.a) == 0


@pytest.mark.parametrize("name", ["sdbnn", "sdbnn-imagenet"])
@pytest.mark.parametrize(
    ("switches", "activation", "weight"),
    [
        ({"wsd": False}, ASD, PlainSign),
        ({"asd": False}, PlainSignActivation, WSD),
        ({"asd": False, "wsd": False}, PlainSignActivation, PlainSign),
        ({"asd": False, "wsd": False, "scale": True}, PlainSignActivation, MeanAbsScale),
        ({"scale": True}, ASD, ScaledWSD),
    ],
)
def test_parts_are_left_out_for_an_ablation(name, switches, activation, weight):
    whole = methods.get(name).conv2d(16, 8, 3)
    layer = methods.get(name, **switches).conv2d(16, 8, 3)
    assert type(layer.activation_binarizer) is activation
    assert type(layer.weight_binarizer) is weight
    for part in ("activation_binarizer", "weight_binarizer"):
        estimators = [type(getattr(each, part).estimator) for each in (layer, whole)]
        assert estimators[0] is estimators[1]


def test_the_form_for_imagenet():
    method = methods.get("sdbnn-imagenet")
    layer = method.conv2d(64, 8, 3)
    assert layer.activation_binarizer.squeeze.weight.shape == (8, 64)
    assert type(layer.activation_binarizer.estimator) is Polynomial
    assert type(layer.weight_binarizer.estimator) is Clip
    assert type(methods.get("sdbnn").conv2d(64, 8, 3).weight_binarizer.estimator) is EDE
    assert method.nonlinearity(8).weight.shape == (8,)
    assert type(method.stem_nonlinearity(8)) is nn.Identity
    method.initialise(layer)
    assert 0 <= layer.weight.min().item() <= layer.weight.max().item() <= 1e-3
