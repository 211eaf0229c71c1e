"""Non-linearities with parameters by channel against NumPy float64, zeros included."""

import numpy as np
import pytest
import torch

from signbit.errors import InputError
from signbit.nn.nonlinearities import Maxout, RPReLU


def by_channel(values, ndim):
    return values.reshape(-1, *[1] * (ndim - 2))


def step(module, x, incoming):
    tensor = torch.tensor(x, requires_grad=True)
    y = module(tensor)
    y.backward(torch.from_numpy(incoming))
    return y.detach().numpy(), tensor.grad.numpy()


@pytest.fixture(params=[(5, 3), (2, 3, 3), (2, 3, 4, 5)], ids=["vector", "signal", "image"])
def arrays(request):
    rng = np.random.default_rng(0)
    x, incoming = rng.normal(size=(2, *request.param))
    x.flat[:4] = [0.0, -0.0, 0.25, -0.5]
    return x, incoming


def test_maxout(arrays):
    x, incoming = arrays
    module = Maxout(3).double()
    assert module.positive.tolist() == [1, 1, 1]
    assert module.negative.tolist() == [0.25, 0.25, 0.25]
    p, n = np.array([1.5, 0.5, -1.0]), np.array([0.25, -2.0, 0.75])
    module.positive.data.copy_(torch.from_numpy(p))
    module.negative.data.copy_(torch.from_numpy(n))
    y, to_x = step(module, x, incoming)

    axes = (0, *range(2, x.ndim))
    p_, n_ = by_channel(p, x.ndim), by_channel(n, x.ndim)
    np.testing.assert_allclose(y, p_ * np.maximum(x, 0) - n_ * np.maximum(-x, 0), rtol=1e-14)
    np.testing.assert_allclose(to_x, incoming * np.where(x < 0, n_, p_), rtol=1e-14)
    to_p, to_n = (incoming * np.maximum(x, 0)).sum(axes), (incoming * np.minimum(x, 0)).sum(axes)
    np.testing.assert_allclose(module.positive.grad.numpy(), to_p, rtol=1e-12)
    np.testing.assert_allclose(module.negative.grad.numpy(), to_n, rtol=1e-12)


def test_rprelu(arrays):
    x, incoming = arrays
    module = RPReLU(3).double()
    start = {name: p.tolist() for name, p in module.named_parameters()}
    assert start == {"before": [0] * 3, "prelu.weight": [0.25] * 3, "after": [0] * 3}
    before, slope, after = np.array([[0.5, 0.0, -0.25], [0.25, -0.5, 2.0], [1.0, -1.0, 0.5]])
    module.before.data.copy_(torch.from_numpy(before))
    module.prelu.weight.data.copy_(torch.from_numpy(slope))
    module.after.data.copy_(torch.from_numpy(after))
    y, to_x = step(module, x, incoming)

    axes = (0, *range(2, x.ndim))
    b, s, a = (by_channel(v, x.ndim) for v in (before, slope, after))
    moved = x + b
    np.testing.assert_allclose(y, np.where(moved > 0, moved, s * moved) + a, rtol=1e-14)
    through = incoming * np.where(moved > 0, 1.0, s)
    np.testing.assert_allclose(to_x, through, rtol=1e-14)
    np.testing.assert_allclose(module.before.grad.numpy(), through.sum(axes), rtol=1e-12)
    np.testing.assert_allclose(module.after.grad.numpy(), incoming.sum(axes), rtol=1e-12)
    to_slope = (incoming * np.minimum(moved, 0)).sum(axes)
    np.testing.assert_allclose(module.prelu.weight.grad.numpy(), to_slope, rtol=1e-12)


@pytest.mark.parametrize("module", [Maxout, RPReLU])
def test_a_count_below_one_is_refused(module):
    with pytest.raises(InputError, match=f"{module.__name__} needs channels >= 1, got 0"):
        module(0)
