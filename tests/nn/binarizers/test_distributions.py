"""Binarizers that look at a filter's spread: examples by hand, and filters that have none."""

import math

import pytest
import torch

from signbit.errors import InputError
from signbit.nn.binarizers import WSD, AdaptiveWeight, Libra, ScaledWSD
from signbit.nn.layers import binary_linear


def test_wsd_moves_a_small_weight_over_zero():
    # mean 0.5, shift 0.0025 at a = 0: -0.001 becomes positive, -0.004 does not.
    weight = torch.tensor([[-0.001, -0.004, 1.505, 0.5]])
    binarizer = WSD(1)
    assert binarizer.a.tolist() == [0]
    assert binarizer(weight).signs.tolist() == [[1, -1, 1, 1]]
    assert binarizer(weight).scale is None


def test_scaled_wsd_has_the_mean_of_magnitudes():
    weight = torch.tensor([[-0.001, -0.004, 1.505, 0.49]])
    assert ScaledWSD(1)(weight).signs.tolist() == WSD(1)(weight).signs.tolist()
    assert ScaledWSD(1)(weight).scale.tolist() == pytest.approx([0.5])


def test_wsd_refuses_a_weight_of_another_layer():
    with pytest.raises(InputError, match="4 filters, the weight has 3"):
        WSD(4)(torch.zeros(3, 2))


def test_libra_s_scale_is_a_power_of_two_of_what_is_standardised():
    # Standardised: (±3, 0, 0) / √6 of magnitude 0.61 on average, and ±√(3/4) of 0.87.
    weight = torch.tensor([[13.0, 10.0, 10.0, 7.0], [0.3, 0.1, 0.3, 0.1]], dtype=torch.float64)
    signs, scale, offset = Libra()(weight)
    assert signs.tolist() == [[1, 1, 1, -1], [1, -1, 1, -1]]
    assert scale.tolist() == [0.5, 1]
    assert not scale.requires_grad
    assert offset is None


def test_libra_refuses_filters_of_one_weight():
    with pytest.raises(InputError, match=r"2 weights or more, got \(3, 1, 1, 1\)"):
        Libra()(torch.ones(3, 1, 1, 1))


def test_an_adaptive_set_is_the_mean_and_deviation_around_it():
    weight = torch.tensor([[1.0, 3.0, 3.0, 1.0, 2.0]], dtype=torch.float64)
    signs, scale, offset = AdaptiveWeight()(weight)
    assert signs.tolist() == [[-1, 1, 1, -1, 1]]
    assert scale.tolist() == pytest.approx([math.sqrt(0.8)])
    assert offset.tolist() == [2]


@pytest.mark.parametrize(("binarizer", "y"), [(Libra, 0.0), (AdaptiveWeight, 1.5)])
def test_a_filter_of_equal_weights_gives_no_nan(binarizer, y):
    weight = torch.full((1, 3), 0.5, requires_grad=True)
    result = binary_linear(torch.ones(1, 3), binarizer()(weight))
    result.sum().backward()
    assert result.item() == y
    assert torch.isfinite(weight.grad).all()
