"""The registry of methods and the errors for misspelt or bad parameters."""

import math

import pytest

from signbit import methods
from signbit.errors import RecipeError

NAMES = [
    "adabin",
    "bireal",
    "bnn",
    "combined",
    "irnet",
    "reactnet",
    "real",
    "real-to-binary",
    "resnet-e",
    "sdbnn",
    "sdbnn-imagenet",
    "xnor",
]


def test_names():
    assert methods.names() == NAMES
    assert [methods.get(name).name for name in methods.names()] == methods.names()


def test_an_unknown_method_is_named_with_the_choices():
    with pytest.raises(RecipeError, match=rf"'sdbn'.*{', '.join(NAMES)}"):
        methods.get("sdbn")


def test_an_unknown_parameter_is_named_with_the_choices():
    with pytest.raises(RecipeError, match=r"'reductoin'.*reduction, t_min, .*, scale, binarize"):
        methods.get("sdbnn", reductoin=8)
    with pytest.raises(RecipeError, match=r"'bnn' has no parameter 'reduction'; .* binarize"):
        methods.get("bnn", reduction=8)


@pytest.mark.parametrize("name", ["sdbnn", "irnet", "adabin"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("t_min", "1e-1"),
        ("t_min", True),
        ("t_min", 0),
        ("t_max", math.inf),
        ("t_max", math.nan),
        ("t_min", 20.0),
        ("initial_weights", "fanout"),
        ("initial_weights", 3),
    ],
)
def test_a_bad_value_is_named(name, key, value):
    with pytest.raises(RecipeError, match=rf"{name}: .*{key}"):
        methods.get(name, **{key: value})


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("sdbnn", "reduction", 0),
        ("sdbnn", "reduction", 2.5),
        ("sdbnn", "reduction", True),
        ("sdbnn", "asd", 1),
        ("sdbnn-imagenet", "reduction", -8),
        ("sdbnn-imagenet", "wsd", "no"),
        ("irnet", "stem_hardtanh", 0),
        ("xnor", "activation_scale", 1),
        ("xnor", "scale", "mean"),
    ],
)
def test_a_bad_value_of_one_method_is_named(name, key, value):
    with pytest.raises(RecipeError, match=rf"{name}: .*{key}"):
        methods.get(name, **{key: value})


@pytest.mark.parametrize("value", ["none", "Both", 1])
def test_a_bad_binarize_is_refused_with_the_choices(value):
    with pytest.raises(RecipeError, match="bnn: binarize must be both, activations or weights"):
        methods.get("bnn", binarize=value)


def test_a_method_from_outside_is_registered(monkeypatch):
    monkeypatch.setattr(methods, "_methods", dict(methods._methods))
    methods.register("mine", lambda limit=2.0: methods.get("bnn"))
    assert "mine" in methods.names()
    assert methods.get("mine", limit=1.0, binarize="weights").name == "bnn"
    with pytest.raises(RecipeError, match="'mine' is already registered"):
        methods.register("mine", lambda: methods.get("bnn"))
