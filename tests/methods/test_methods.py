"""The registry of methods and the errors for misspelt or bad parameters."""

import math

import pytest

from signbit import methods
from signbit.errors import RecipeError


def test_names():
    assert methods.names() == ["bireal", "bnn", "sdbnn"]
    assert [methods.get(name).name for name in methods.names()] == methods.names()


def test_an_unknown_method_is_named_with_the_choices():
    with pytest.raises(RecipeError, match=r"'sdbn'.*bireal, bnn, sdbnn"):
        methods.get("sdbn")


def test_an_unknown_parameter_is_named_with_the_choices():
    with pytest.raises(RecipeError, match=r"'reductoin'.*reduction, t_min, t_max, initial_weights"):
        methods.get("sdbnn", reductoin=8)
    with pytest.raises(RecipeError, match=r"'bnn' has no parameter 'reduction'; it has none"):
        methods.get("bnn", reduction=8)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("reduction", 0),
        ("reduction", 2.5),
        ("reduction", True),
        ("t_min", "1e-1"),
        ("t_min", 0),
        ("t_max", math.inf),
        ("t_max", math.nan),
        ("t_min", 20.0),
        ("initial_weights", "fanout"),
    ],
)
def test_a_bad_value_is_named(key, value):
    with pytest.raises(RecipeError, match=rf"sdbnn: .*{key}"):
        methods.get("sdbnn", **{key: value})
