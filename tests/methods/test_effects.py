"""Parameters that do nothing are found by what is built with them, in methods from outside too."""

import dataclasses

import pytest
from torch import nn

from signbit import methods
from signbit.errors import RecipeError

OTHER_VALUES = {
    "activation_estimator": "ede",
    "activation_scale": False,
    "activations": "asd",
    "asd": False,
    "initial_weights": "fan-out",
    "nonlinearity": "maxout",
    "reduction": 4,
    "scale": True,
    "stem_hardtanh": False,
    "stem_nonlinearity": True,
    "t_max": 20.0,
    "t_min": 0.1,
    "weight_estimator": "ede",
    "weights": "wsd",
    "wsd": False,
}
"""By parameter: none is a default."""


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("sdbnn", {"asd": False, "reduction": 8}, {"reduction": ["asd"]}),
        ("sdbnn", {"binarize": "weights", "reduction": 8}, {"reduction": ["binarize"]}),
        ("sdbnn", {"binarize": "weights", "asd": False}, {"asd": ["binarize"]}),
        ("sdbnn", {"binarize": "activations", "wsd": False}, {"wsd": ["binarize"]}),
        ("sdbnn", {"binarize": "activations", "scale": True}, {"scale": ["binarize"]}),
        ("sdbnn-imagenet", {"asd": False, "reduction": 4}, {"reduction": ["asd"]}),
        ("sdbnn-imagenet", {"binarize": "activations", "wsd": False}, {"wsd": ["binarize"]}),
        ("xnor", {"binarize": "activations", "scale": "abs-mean"}, {"scale": ["binarize"]}),
        (
            "xnor",
            {"binarize": "weights", "activation_scale": False},
            {"activation_scale": ["binarize"]},
        ),
        ("adabin", {"binarize": "activations", "t_min": 0.1}, {"t_min": ["binarize"]}),
        ("adabin", {"binarize": "activations", "t_max": 1.0}, {"t_max": ["binarize"]}),
        ("real", {"binarize": "weights"}, {"binarize": []}),
        ("real", {"binarize": "activations"}, {"binarize": []}),
        # Of one side only, but that side is a sign.
        ("adabin", {"binarize": "weights", "t_min": 0.1}, {}),
        ("irnet", {"binarize": "activations", "t_min": 0.1}, {}),
        ("sdbnn", {"binarize": "weights", "t_max": 1.0, "wsd": False}, {}),
        # One that takes the other's effect does not make both idle.
        (
            "sdbnn",
            {"binarize": "weights", "asd": False, "reduction": 8},
            {"asd": ["binarize"], "reduction": []},
        ),
        # A default says what is so anyway.
        ("sdbnn", {"asd": False, "reduction": 16}, {}),
        ("real", {"binarize": "both"}, {}),
    ],
)
def test_idle(name, given, expected):
    assert methods.idle(name, **given) == expected


@pytest.mark.parametrize("name", [name for name in methods.names() if name != "real"])
def test_alone_every_parameter_does_something(name):
    for key in methods.parameters(name):
        for value in ("activations", "weights") if key == "binarize" else (OTHER_VALUES[key],):
            if (name, key) == ("xnor", "scale"):
                value = "abs-mean"
            assert methods.idle(name, **{key: value}) == {}


@pytest.fixture
def invented(monkeypatch):
    """Registers a method for one test, and removes it."""
    monkeypatch.setattr(methods, "_methods", dict(methods._methods))
    return methods.register


def test_what_a_method_from_outside_captures_counts(invented):
    class Scaled(nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function = function

    def build(slope=0.1, limit=2.0):
        method = methods.get("bnn")
        return dataclasses.replace(
            method, nonlinearity=lambda channels: Scaled(lambda x: x * slope)
        )

    invented("mine", build)
    assert methods.idle("mine", slope=0.2) == {}
    assert methods.idle("mine", limit=1.0) == {"limit": []}
    assert methods.idle("mine", slope=0.2, limit=1.0) == {"limit": []}


def test_one_that_makes_another_valid_does_something(invented):
    def build(low=1.0, high=2.0):
        if low > high:
            raise RecipeError("low exceeds high")
        return methods.get("bnn")

    invented("mine", build)
    assert methods.idle("mine", low=3.0, high=4.0) == {"low": []}


def test_torch_s_random_state_is_left_alone():
    import torch

    before = torch.random.get_rng_state()
    methods.idle("sdbnn", reduction=8)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_is_unknown_is_refused_as_ever():
    with pytest.raises(RecipeError, match="'sdbnn' has no parameter 'reductoin'"):
        methods.idle("sdbnn", reductoin=8)
