"""Scales of filters, and the rules by which gradients reach the latent weight past them."""

import numpy as np
import pytest
import torch

from signbit.nn.binarizers import AbsMeanScale, MeanAbsScale, ReleasedXnorScale, XnorScale
from signbit.nn.estimators import Clip, Polynomial
from signbit.nn.layers import binary_conv2d, binary_linear


@pytest.fixture
def latent():
    weight = np.random.default_rng(1).normal(0, 0.7, (4, 27))
    weight[0, :3] = [0.0, 1.0, -1.0]
    return weight


def as_latent(weight):
    return torch.tensor(weight, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize(
    ("binarizer", "alpha", "error"),
    [
        (MeanAbsScale(), 0.4, 0.16),
        (XnorScale(), 0.4, 0.16),
        (ReleasedXnorScale(), 0.4, 0.16),
        (AbsMeanScale(), 0.2, 0.32),
    ],
)
def test_the_example_filter_has_the_documented_scale_and_error(binarizer, alpha, error):
    weight = torch.tensor([[[0.2, 0.2], [-0.6, -0.6]]], dtype=torch.float64)
    signs, scale, offset = binarizer(weight)
    assert scale.tolist() == pytest.approx([alpha])
    assert signs.tolist() == [[[1, 1], [-1, -1]]]
    assert offset is None
    assert (weight - scale * signs).square().sum().item() == pytest.approx(error)


@pytest.mark.parametrize(
    ("binarizer", "oracle"),
    [
        (MeanAbsScale, lambda w: np.abs(w).mean(1)),
        (XnorScale, lambda w: np.abs(w).mean(1)),
        (AbsMeanScale, lambda w: np.abs(w.mean(1))),
    ],
)
def test_one_scale_a_filter_without_gradient(latent, binarizer, oracle):
    scale = binarizer()(as_latent(latent)).scale
    np.testing.assert_allclose(scale.numpy(), oracle(latent), rtol=1e-12)
    assert not scale.requires_grad


def clip(w):
    return (np.abs(w) <= 1).astype(np.float64)


def polynomial(w):
    return np.where(np.abs(w) < 1, 2 - 2 * np.abs(w), 0)


@pytest.mark.parametrize(
    ("binarizer", "factor"),
    [
        # g unchanged: were the scale not taken out again, row c would carry scale[c].
        (MeanAbsScale(Clip()), lambda w, alpha: clip(w)),
        (MeanAbsScale(Polynomial()), lambda w, alpha: polynomial(w)),
        (XnorScale(Clip()), lambda w, alpha: 1 / 27 + alpha * clip(w)),
        (XnorScale(Polynomial()), lambda w, alpha: 1 / 27 + alpha * polynomial(w)),
    ],
)
def test_gradient_that_reaches_the_latent_weight(latent, binarizer, factor):
    rng = np.random.default_rng(2)
    x, incoming = rng.choice([-1.0, 1.0], (5, 27)), rng.normal(size=(5, 4))
    tensor = as_latent(latent)
    y = binary_linear(torch.from_numpy(x), binarizer(tensor))
    y.backward(torch.from_numpy(incoming))
    signs, alpha = np.where(latent < 0, -1.0, 1.0), np.abs(latent).mean(1)
    np.testing.assert_allclose(y.detach().numpy(), (x @ signs.T) * alpha, rtol=1e-12)
    wanted = (incoming.T @ x) * factor(latent, alpha[:, None])
    np.testing.assert_allclose(tensor.grad.numpy(), wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("binarizer", [MeanAbsScale, XnorScale, AbsMeanScale])
def test_an_all_zero_filter_gives_zeros_not_nan(binarizer):
    weight = torch.zeros(2, 1, 1, 1)
    weight[1] = 1e-42  # so small that 1 / scale overflows
    weight.requires_grad_()
    y = binary_conv2d(torch.ones(1, 1, 2, 2), binarizer()(weight))
    y.sum().backward()
    assert y[:, 0].abs().sum() == 0
    assert torch.isfinite(y).all()
    assert weight.grad.abs().max() < 1e-40
