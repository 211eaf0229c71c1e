"""Weight binarizers: values, scales, and the rule by which gradients reach the latent weight."""

import numpy as np
import pytest
import torch

from signbit.binarizers import WSD, AbsMeanScale, MeanAbsScale, PlainSign
from signbit.errors import InputError
from signbit.estimators import Clip, Identity, Polynomial
from signbit.layers import binary_conv2d, binary_linear


@pytest.fixture
def latent():
    weight = np.random.default_rng(1).normal(0, 0.7, (4, 3, 3, 3))
    weight[0, 0, 0] = [0.0, 1.0, -1.0]
    return weight


def as_latent(weight):
    return torch.tensor(weight, dtype=torch.float64, requires_grad=True)


def clip_derivative(w):
    return (np.abs(w) <= 1).astype(np.float64)


def test_plain_sign_has_no_scale(latent):
    signs, scale = PlainSign()(as_latent(latent))
    np.testing.assert_array_equal(signs.detach().numpy(), np.where(latent < 0, -1.0, 1.0))
    assert scale is None


@pytest.mark.parametrize(
    ("binarizer", "alpha", "error"), [(MeanAbsScale(), 0.4, 0.16), (AbsMeanScale(), 0.2, 0.32)]
)
def test_the_example_filter_has_the_documented_scale_and_error(binarizer, alpha, error):
    weight = torch.tensor([[[0.2, 0.2], [-0.6, -0.6]]], dtype=torch.float64)
    signs, scale = binarizer(weight)
    assert scale.tolist() == pytest.approx([alpha])
    assert signs.tolist() == [[[1, 1], [-1, -1]]]
    assert (weight - scale * signs).square().sum().item() == pytest.approx(error)


@pytest.mark.parametrize(
    ("binarizer", "oracle"),
    [
        (MeanAbsScale, lambda w: np.abs(w).reshape(len(w), -1).mean(1)),
        (AbsMeanScale, lambda w: np.abs(w.reshape(len(w), -1).mean(1))),
    ],
)
def test_one_scale_a_filter_without_gradient(latent, binarizer, oracle):
    _, scale = binarizer()(as_latent(latent))
    np.testing.assert_allclose(scale.numpy(), oracle(latent), rtol=1e-12)
    assert not scale.requires_grad


def test_scaled_gradient_reaches_the_latent_weight_unchanged(latent):
    # y = scale · x · signsᵀ: were the scale not taken out again, row c would carry scale[c].
    rng = np.random.default_rng(2)
    weight = latent.reshape(4, -1)
    x, incoming = rng.choice([-1.0, 1.0], (5, 27)), rng.normal(size=(5, 4))
    tensor = as_latent(weight)
    y = binary_linear(torch.from_numpy(x), MeanAbsScale(Clip())(tensor))
    y.backward(torch.from_numpy(incoming))
    signs, alpha = np.where(weight < 0, -1.0, 1.0), np.abs(weight).mean(1)
    np.testing.assert_allclose(y.detach().numpy(), (x @ signs.T) * alpha, rtol=1e-12)
    np.testing.assert_allclose(
        tensor.grad.numpy(), (incoming.T @ x) * clip_derivative(weight), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("binarizer", [MeanAbsScale, AbsMeanScale])
def test_an_all_zero_filter_gives_zeros_not_nan(binarizer):
    weight = torch.zeros(2, 1, 1, 1)
    weight[1] = 1e-42  # so small that 1 / scale overflows
    weight.requires_grad_()
    y = binary_conv2d(torch.ones(1, 1, 2, 2), binarizer()(weight))
    y.sum().backward()
    assert y[:, 0].abs().sum() == 0
    assert torch.isfinite(y).all()
    assert torch.equal(weight.grad, torch.zeros(2, 1, 1, 1))


def test_wsd_shifts_by_a_hundredth_of_the_mean_through_a_sigmoid(latent):
    binarizer = WSD(4, Polynomial()).double()
    assert binarizer.a.tolist() == [0, 0, 0, 0]
    a = np.array([0.0, 1.0, -2.0, 5.0])
    binarizer.a.data.copy_(torch.from_numpy(a))
    tensor = as_latent(latent)
    incoming = np.random.default_rng(3).normal(size=latent.shape)
    signs, scale = binarizer(tensor)
    signs.backward(torch.from_numpy(incoming))

    sigmoid = 1 / (1 + np.exp(-a))
    mean = latent.reshape(4, -1).mean(1)
    shifted = latent + (0.01 * sigmoid * mean).reshape(4, 1, 1, 1)
    derivative = np.where(np.abs(shifted) < 1, 2 - 2 * np.abs(shifted), 0)
    to_weight = incoming * derivative  # the mean is detached: nothing more
    to_a = to_weight.reshape(4, -1).sum(1) * 0.01 * sigmoid * (1 - sigmoid) * mean
    assert scale is None
    np.testing.assert_array_equal(signs.detach().numpy(), np.where(shifted < 0, -1.0, 1.0))
    np.testing.assert_allclose(tensor.grad.numpy(), to_weight, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(binarizer.a.grad.numpy(), to_a, rtol=1e-9)


def test_wsd_moves_a_small_weight_over_zero():
    # mean 0.5, shift 0.0025 at a = 0: -0.001 becomes positive, -0.004 does not.
    weight = torch.tensor([[-0.001, -0.004, 1.505, 0.5]])
    assert WSD(1)(weight).signs.tolist() == [[1, -1, 1, 1]]


def test_wsd_refuses_a_weight_of_another_layer():
    with pytest.raises(InputError, match="4 filters, the weight has 3"):
        WSD(4)(torch.zeros(3, 2))


def test_the_estimator_shows_in_the_representation():
    assert "Identity()" in repr(PlainSign(Identity()))
