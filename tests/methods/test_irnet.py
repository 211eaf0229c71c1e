"""IR-Net's parts and its choices. What its layers compute is in test_steps."""

import pytest
import torch
from torch import nn

from signbit import methods
from signbit.nn.binarizers import Libra, PlainSignActivation


def test_parts_and_parameters():
    method = methods.get("irnet", t_min=0.1, t_max=5)
    layer = method.conv2d(4, 8, 3)
    assert type(layer.weight_binarizer) is Libra
    assert type(layer.activation_binarizer) is PlainSignActivation
    for part in (layer.weight_binarizer, layer.activation_binarizer):
        assert (part.estimator.t_min, part.estimator.t_max) == (0.1, 5)
    assert type(method.nonlinearity(8)) is nn.Hardtanh
    assert type(method.stem_nonlinearity(8)) is nn.Hardtanh
    assert method.latent_limit is None


def test_the_stem_may_be_without():
    method = methods.get("irnet", stem_hardtanh=False)
    assert type(method.stem_nonlinearity(8)) is nn.Identity
    assert type(method.nonlinearity(8)) is nn.Hardtanh


@pytest.mark.parametrize(
    ("initial_weights", "std"), [("kaiming", (2 / (9 * 32)) ** 0.5), ("fan-out", (2 / 576) ** 0.5)]
)
def test_initial_weights(initial_weights, std):
    torch.manual_seed(0)
    method = methods.get("irnet", initial_weights=initial_weights)
    layer = method.conv2d(32, 64, 3)
    method.initialise(layer)
    assert layer.weight.std().item() == pytest.approx(std, rel=0.03)
