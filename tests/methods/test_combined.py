"""Parts by name. What the parts compute is in test_steps, under the papers' own methods."""

import pytest
import torch
from torch import nn

from signbit import methods
from signbit.errors import RecipeError
from signbit.models import build
from signbit.nn.binarizers import ASD, WSD, AdaptiveActivation, AdaptiveWeight, Libra, RSign
from signbit.nn.estimators import EDE, Clip, Polynomial
from signbit.nn.nonlinearities import Maxout, RPReLU


def test_the_defaults_are_reactnets():
    results = []
    for name in ("reactnet", "combined"):
        torch.manual_seed(0)
        model = build("digits", methods.get(name), classes=10, channels=1)
        loss = model(torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))).sum()
        loss.backward()
        results.append((loss, {key: value.grad for key, value in model.named_parameters()}))
    (expected, expected_gradients), (loss, gradients) = results
    assert torch.equal(loss, expected)
    assert gradients.keys() == expected_gradients.keys()
    assert all(torch.equal(gradients[key], expected_gradients[key]) for key in gradients)


@pytest.mark.parametrize(
    ("parameters", "weight", "activation", "nonlinearity", "estimators"),
    [
        ({}, "MeanAbsScale", RSign, RPReLU, (Clip, Polynomial)),
        (
            {"weights": "wsd", "activations": "asd", "nonlinearity": "hardtanh"}
            | {"weight_estimator": "ede", "activation_estimator": "ede"},
            WSD,
            ASD,
            nn.Hardtanh,
            (EDE, EDE),
        ),
        (
            {"weights": "adaptive", "activations": "adaptive", "nonlinearity": "maxout"},
            AdaptiveWeight,
            AdaptiveActivation,
            Maxout,
            (Clip, Polynomial),
        ),
        (
            {"weights": "libra", "activations": "sign", "nonlinearity": "prelu"},
            Libra,
            "PlainSignActivation",
            nn.PReLU,
            (Clip, Polynomial),
        ),
        (
            {"weights": "sign", "nonlinearity": "none", "activation_estimator": "clip"},
            "PlainSign",
            RSign,
            nn.Identity,
            (Clip, Clip),
        ),
    ],
)
def test_parts(parameters, weight, activation, nonlinearity, estimators):
    method = methods.get("combined", **parameters)
    layer = method.conv2d(16, 32, 3)
    for part, expected in (
        (layer.weight_binarizer, weight),
        (layer.activation_binarizer, activation),
        (method.nonlinearity(32), nonlinearity),
    ):
        name = expected if isinstance(expected, str) else expected.__name__
        assert type(part).__name__ == name
    found = (layer.weight_binarizer.estimator, layer.activation_binarizer.estimator)
    assert tuple(map(type, found)) == estimators
    assert layer(torch.randn(2, 16, 5, 5)).shape == (2, 32, 3, 3)


def test_the_stem_may_have_a_nonlinearity():
    assert type(methods.get("combined").stem_nonlinearity(8)) is nn.Identity
    method = methods.get("combined", nonlinearity="maxout", stem_nonlinearity=True)
    assert type(method.stem_nonlinearity(8)) is Maxout


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"weights": "ternary"}, "unknown weights 'ternary'; choose one of sign, mean-abs"),
        ({"activations": "relu"}, "unknown activations 'relu'; choose one of sign, rsign, asd"),
        ({"nonlinearity": "gelu"}, "unknown nonlinearity 'gelu'"),
        ({"weight_estimator": "tanh"}, "unknown weight_estimator 'tanh'"),
        ({"activation_estimator": 3}, "unknown activation_estimator 3"),
        ({"initial_weights": "zeros"}, "unknown initial_weights 'zeros'"),
        ({"stem_nonlinearity": "yes"}, "stem_nonlinearity must be true or false"),
    ],
)
def test_bad_words_list_the_choices(parameters, said):
    with pytest.raises(RecipeError) as error:
        methods.get("combined", **parameters)
    assert said in str(error.value)
