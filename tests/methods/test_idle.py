"""Parameters that do nothing, as declared, against what is built with and without them."""

import itertools

import pytest
from tests.methods.built import built_alike

from signbit import methods
from signbit.errors import RecipeError

OTHER_VALUES = {
    "activation_estimator": "ede",
    "activation_scale": False,
    "activations": "asd",
    "asd": False,
    "clip": 1.5,
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
        # Both take its effect.
        (
            "sdbnn",
            {"binarize": "weights", "asd": False, "reduction": 8},
            {"asd": ["binarize"], "reduction": ["asd", "binarize"]},
        ),
        # It changes more than the scale.
        ("xnor", {"binarize": "activations", "scale": "released"}, {}),
        # A default says what is so anyway.
        ("sdbnn", {"asd": False, "reduction": 16}, {}),
        ("real", {"binarize": "both"}, {}),
    ],
)
def test_idle(name, given, expected):
    assert methods.idle(name, **given) == expected


@pytest.mark.parametrize("name", methods.names())
@pytest.mark.parametrize("binarize", ["both", "activations", "weights"])
def test_declared_is_what_is_built(name, binarize):
    """A parameter is declared idle exactly where the method is the same without it."""
    keys = [key for key in methods.parameters(name) if key != "binarize"]
    for count in (0, 1, 2):
        for chosen in itertools.combinations(keys, count):
            given = {key: OTHER_VALUES[key] for key in chosen}
            if name == "xnor" and "scale" in given:
                given["scale"] = "abs-mean"
            if binarize != "both":
                given["binarize"] = binarize
            assert_declared(name, given)


def assert_declared(name, given):
    idle = methods.idle(name, **given)
    whole = methods.get(name, **given)
    for key in given:
        rest = {other: value for other, value in given.items() if other != key}
        assert (key in idle) == built_alike(whole, methods.get(name, **rest)), (given, key)


def test_every_released_parameter_of_xnor_s_scale_is_seen():
    for binarize in ("activations", "weights"):
        assert_declared("xnor", {"binarize": binarize, "scale": "released"})


@pytest.fixture
def invented(monkeypatch):
    """Registers a method for one test, and removes it."""
    monkeypatch.setattr(methods, "_methods", dict(methods._methods))
    return methods.register


def test_a_method_from_outside_declares_its_own(invented):
    def build(slope=0.1, limit=2.0, kind="a"):
        return methods.get("bnn")

    invented("mine", build, [methods.Idle("slope"), methods.Idle("limit", "kind", "b")])
    assert methods.idle("mine", slope=0.2) == {"slope": []}
    assert methods.idle("mine", limit=1.0) == {}
    assert methods.idle("mine", limit=1.0, kind="b") == {"limit": ["kind"]}
    invented("undeclared", build)
    assert methods.idle("undeclared", slope=0.2) == {}


def test_what_is_unknown_is_refused_as_ever():
    with pytest.raises(RecipeError, match="'sdbnn' has no parameter 'reductoin'"):
        methods.idle("sdbnn", reductoin=8)
