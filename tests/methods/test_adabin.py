"""AdaBin's parts. What its layers compute is in test_steps."""

from signbit import methods
from signbit.nn.binarizers import AdaptiveActivation, AdaptiveWeight
from signbit.nn.estimators import EDE, Polynomial
from signbit.nn.nonlinearities import Maxout


def test_parts_and_parameters():
    method = methods.get("adabin", t_min=0.1, t_max=5)
    layer = method.conv2d(4, 8, 3)
    assert type(layer.weight_binarizer) is AdaptiveWeight
    assert type(layer.weight_binarizer.estimator) is EDE
    assert (layer.weight_binarizer.estimator.t_min, layer.weight_binarizer.estimator.t_max) == (
        0.1,
        5,
    )
    assert type(layer.activation_binarizer) is AdaptiveActivation
    assert type(layer.activation_binarizer.estimator) is Polynomial
    assert type(method.nonlinearity(8)) is Maxout
    assert type(method.stem_nonlinearity(8)) is Maxout


def test_learnable_parts_start_as_published_whatever_the_initial_weights():
    method = methods.get("adabin")
    layer = method.conv2d(4, 8, 3)
    method.initialise(layer)
    binarizer = layer.activation_binarizer
    assert (binarizer.alpha.item(), binarizer.beta.item()) == (1, 0)
