"""Weight binarizers without a scale, and what all of them share."""

import numpy as np
import pytest
import torch

from signbit.nn.binarizers import PlainSign, RealWeight
from signbit.nn.binarizers.weights import WeightBinarizer
from signbit.nn.estimators import Identity


def test_plain_sign_has_no_scale():
    weight = torch.tensor([[0.0, 1.0, -1.0], [-0.0, -0.3, 2.0]], requires_grad=True)
    signs, scale, offset = PlainSign()(weight)
    signs.sum().backward()
    assert signs.tolist() == [[1, 1, -1], [1, -1, 1]]
    assert scale is None
    assert offset is None
    np.testing.assert_array_equal(weight.grad, [[1, 1, 1], [1, 1, 0]])


def test_a_real_weight_is_handed_on():
    weight = torch.randn(3, 2)
    signs, *others = RealWeight()(weight)
    assert signs is weight
    assert others == [None, None]
    assert repr(RealWeight()) == "RealWeight()"


def test_the_estimator_shows_in_the_representation():
    assert "Identity()" in repr(PlainSign(Identity()))


def test_a_binarizer_must_say_what_it_does():
    with pytest.raises(NotImplementedError, match="WeightBinarizer does not say"):
        WeightBinarizer()(torch.zeros(1))
