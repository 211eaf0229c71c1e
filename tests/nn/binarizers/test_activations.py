"""Activation binarizers against forward and backward written out in NumPy float64."""

import numpy as np
import pytest
import torch

from signbit.errors import InputError
from signbit.nn.binarizers import (
    ASD,
    AdaptiveActivation,
    MeanAbsMap,
    PlainSignActivation,
    RealActivation,
    RSign,
)
from signbit.nn.estimators import Clip, Identity, Polynomial


def test_plain_sign_uses_its_estimator():
    x = torch.tensor([[-2.0, 0.0, 0.5]], requires_grad=True)
    signs, *others = PlainSignActivation(Clip())(x)
    assert others == [None, None, None, ()]
    signs.sum().backward()
    assert signs.tolist() == [[-1, 1, 1]]
    assert x.grad.tolist() == [[0, 1, 1]]
    assert "Clip()" in repr(PlainSignActivation())


@pytest.mark.parametrize("spatial", [(3, 2), ()], ids=["image", "vector"])
def test_asd_forward_and_gradients(spatial):
    rng = np.random.default_rng(4)
    n, channels, area = 3, 6, int(np.prod(spatial))
    binarizer = ASD(channels, reduction=2, estimator=Polynomial()).double()
    w1, w2 = rng.normal(0, 0.5, (3, channels)), rng.normal(0, 0.5, (channels, 3))
    binarizer.squeeze.weight.data.copy_(torch.from_numpy(w1))
    binarizer.excite.weight.data.copy_(torch.from_numpy(w2))
    x, incoming = rng.normal(-0.5, 0.6, (2, n, channels, area))
    x[0, 0, 0] = 0.0
    tensor = torch.tensor(x.reshape(n, channels, *spatial), requires_grad=True)
    signs = binarizer(tensor).signs
    signs.backward(torch.from_numpy(incoming.reshape(n, channels, *spatial)))

    mean = x.mean(2)
    hidden = np.maximum(mean @ w1.T, 0)
    shift = 1 / (1 + np.exp(-hidden @ w2.T))
    shifted = x + shift[:, :, None]
    through = incoming * np.where(np.abs(shifted) < 1, 2 - 2 * np.abs(shifted), 0)
    to_pre = through.sum(2) * shift * (1 - shift)
    to_hidden = (to_pre @ w2) * (hidden > 0)
    to_x = through + (to_hidden @ w1)[:, :, None] / area

    flat = signs.detach().numpy().reshape(n, channels, area)
    np.testing.assert_array_equal(flat, np.where(shifted < 0, -1.0, 1.0))
    np.testing.assert_allclose(tensor.grad.numpy().reshape(x.shape), to_x, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        binarizer.excite.weight.grad.numpy(), to_pre.T @ hidden, rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(
        binarizer.squeeze.weight.grad.numpy(), to_hidden.T @ mean, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize(
    ("channels", "reduction", "hidden"), [(64, 16, 4), (16, 16, 1), (8, 16, 1)]
)
def test_asd_has_no_biases_and_at_least_one_hidden_channel(channels, reduction, hidden):
    parameters = {name: tuple(p.shape) for name, p in ASD(channels, reduction).named_parameters()}
    assert parameters == {"squeeze.weight": (hidden, channels), "excite.weight": (channels, hidden)}


def test_each_image_has_thresholds_of_its_own():
    binarizer = ASD(1, 1, Identity())
    binarizer.squeeze.weight.data.fill_(1.0)
    binarizer.excite.weight.data.fill_(4.0)
    # The same pixel -0.9 in a bright image (shift near 1) and in a dark one (shift 0.5).
    images = torch.tensor([[[[-0.9, 5.0]]], [[[-0.9, -5.0]]]])
    assert binarizer(images).signs[:, 0, 0, 0].tolist() == [1, -1]
    assert torch.equal(binarizer(images).signs[1:], binarizer(images[1:]).signs)


@pytest.mark.parametrize(("channels", "reduction"), [(0, 16), (16, 0)])
def test_asd_refuses_counts_below_one(channels, reduction):
    with pytest.raises(InputError, match="channels and reduction"):
        ASD(channels, reduction)


def test_rsign_has_a_threshold_for_each_channel():
    binarizer = RSign(2)
    assert binarizer.bias.tolist() == [0, 0]
    binarizer.bias.data.copy_(torch.tensor([0.5, -0.5]))
    assert binarizer(torch.tensor([[-0.5, 0.25], [-0.75, 0.5]])).signs.tolist() == [
        [1, -1],
        [-1, 1],
    ]
    image = torch.tensor([[[[-0.25]], [[-0.25]]]])
    assert binarizer(image).signs.flatten().tolist() == [1, -1]


def test_an_adaptive_set_starts_as_plain_signs_and_has_two_values():
    binarizer = AdaptiveActivation()
    signs, scale, offset, magnitudes, more = binarizer(torch.tensor([[-2.0, 0.0]]))
    assert (signs.tolist(), scale.item(), offset.item()) == ([[-1, 1]], 1, 0)
    assert (magnitudes, more) == (None, ())
    binarizer.alpha.data.fill_(2.0)
    binarizer.beta.data.fill_(0.5)
    signs, scale, offset, *_ = binarizer(torch.tensor([[0.25, 0.5]]))
    assert (scale * (signs + offset)).tolist() == [[-1, 3]]


def test_magnitudes_are_means_over_channels():
    x = torch.tensor([[[[1.0, -3.0]], [[-2.0, 0.0]]]])
    binary = MeanAbsMap()(x)
    assert binary.signs.tolist() == [[[[1, -1]], [[-1, 1]]]]
    assert binary.magnitudes.tolist() == [[[[1.5, 1.5]]]]


def test_a_real_activation_is_handed_on_or_goes_through_a_function():
    x = torch.tensor([[-2.0, 0.5]])
    assert RealActivation()(x).signs is x
    assert RealActivation(torch.nn.ReLU())(x).signs.tolist() == [[0, 0.5]]
    assert "estimator" not in repr(RealActivation())
