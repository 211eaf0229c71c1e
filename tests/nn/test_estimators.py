"""Sign and its surrogate gradients against formulas written again in NumPy float64."""

import doctest
import math

import numpy as np
import pytest
import torch

from signbit.errors import InputError
from signbit.nn import estimators
from signbit.nn.estimators import (
    EDE,
    Clip,
    ClipInside,
    Estimator,
    Identity,
    Polynomial,
    scale_gradient,
    sign,
)

# Zeros of both signs, the clip edges and their neighbours, and values far outside.
EDGES = [-3.0, -1.0000001, -1.0, -0.9999999, -0.5, -1e-30, -0.0, 0.0, 1e-30, 0.5, 0.9999999, 1.0]
EDGES += [1.0000001, 3.0]


def clip_oracle(x):
    return np.where((x >= -1) & (x <= 1), 1.0, 0.0)


def polynomial_oracle(x):
    left, right = (x > -1) & (x < 0), (x >= 0) & (x < 1)
    return np.select([left, right], [2 + 2 * x, 2 - 2 * x], 0.0)


def ede_oracle(t):
    return lambda x: max(1 / t, 1) * t * (1 - np.tanh(t * x) ** 2)


def late_ede():
    ede = EDE()
    ede.set_progress(3, 4)
    return ede


CASES = [
    (Identity(), np.ones_like),
    (Clip(), clip_oracle),
    (Clip(1.25), lambda x: np.where((x >= -1.25) & (x <= 1.25), 1.0, 0.0)),
    (ClipInside(), lambda x: np.where((x > -1) & (x < 1), 1.0, 0.0)),
    (Polynomial(), polynomial_oracle),
    (EDE(), ede_oracle(1e-3)),
    (late_ede(), ede_oracle(1.0)),
    (EDE(t_min=10, t_max=10), ede_oracle(10.0)),
]


@pytest.mark.parametrize(
    ("estimator", "oracle"), CASES, ids=[repr(estimator) for estimator, _ in CASES]
)
def test_gradient_is_incoming_times_derivative(estimator, oracle):
    rng = np.random.default_rng(0)
    x = np.concatenate([EDGES, rng.normal(0, 1.5, 200)])
    incoming = rng.normal(size=x.shape)
    tensor = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    signs = estimator(tensor)
    signs.backward(torch.from_numpy(incoming))
    np.testing.assert_array_equal(signs.detach().numpy(), np.where(x < 0, -1.0, 1.0))
    np.testing.assert_allclose(tensor.grad.numpy(), incoming * oracle(x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_zero_minus_zero_and_nan_are_plus_one(dtype):
    x = torch.tensor([0.0, -0.0, math.nan, -math.nan, -math.inf, math.inf, -1e-38], dtype=dtype)
    signs = sign(x, "identity")
    assert signs.dtype == dtype
    assert signs.tolist() == [1, 1, 1, 1, -1, 1, -1]


def test_ede_goes_from_flat_to_steep_with_the_epoch_alone():
    ede = EDE(t_min=1e-3, t_max=1e1)
    assert (ede.t, ede.k) == (1e-3, 1e3)
    for epoch, t, k in [(0, 1e-3, 1e3), (25, 1e-2, 1e2), (75, 1.0, 1.0), (50, 0.1, 10.0)]:
        ede.set_progress(epoch, 100)
        assert ede.parameters == pytest.approx((t, k), rel=1e-12)
    ede.set_progress(99, 100)
    assert ede.parameters == pytest.approx((10**0.96, 1.0), rel=1e-12)


@pytest.mark.parametrize(("t_min", "t_max"), [(0, 1), (-1, 1), (2, 1), (1, math.inf)])
def test_ede_refuses_a_bad_range(t_min, t_max):
    with pytest.raises(InputError, match="t_min"):
        EDE(t_min, t_max)


@pytest.mark.parametrize("limit", [0, -1.0, math.inf, math.nan])
def test_clip_refuses_a_bad_limit(limit):
    with pytest.raises(InputError, match="Clip needs a limit > 0"):
        Clip(limit)


def test_other_estimators_ignore_progress():
    clip = Clip()
    clip.set_progress(5, 10)
    assert clip.parameters == ()


def test_a_user_adds_an_estimator_in_a_few_lines(monkeypatch):
    monkeypatch.setattr(estimators, "_derivatives", dict(estimators._derivatives))
    estimators.register_estimator("triangle", lambda x, _: (1 - x.abs()).clamp(min=0))

    class Triangle(Estimator):
        name = "triangle"

    x = torch.tensor([-2.0, -0.25, 0.5], requires_grad=True)
    Triangle()(x).sum().backward()
    assert x.grad.tolist() == [0, 0.75, 0.5]
    assert "triangle" in estimators.estimator_names()
    with pytest.raises(InputError, match="already registered"):
        estimators.register_estimator("triangle", lambda x, _: x)


def test_an_unknown_estimator_is_named_with_the_choices():
    with pytest.raises(InputError, match=r"'clop'.*clip, clip-inside, ede, identity, polynomial"):
        sign(torch.zeros(1), "clop")


def test_scale_gradient_passes_values_and_scales_gradients():
    x = torch.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True)
    factor = torch.tensor([[0.0], [2.5]], requires_grad=True)
    y = scale_gradient(x, factor)
    assert torch.equal(y, x)
    y.backward(torch.tensor([[1.0, 2.0], [3.0, -4.0]]))
    assert x.grad.tolist() == [[0, 0], [7.5, -10]]
    assert factor.grad is None


def test_the_operations_are_well_formed():
    x = torch.tensor([[-0.5, 0.0, 2.0]], requires_grad=True)
    for name, parameters in [("clip", []), ("ede", [0.5, 2.0])]:
        torch.library.opcheck(torch.ops.signbit.sign.default, (x, name, parameters))
    factor = torch.tensor([[2.0]])
    torch.library.opcheck(torch.ops.signbit.scale_gradient.default, (x, factor))


def test_docstring_examples():
    assert doctest.testmod(estimators).failed == 0
