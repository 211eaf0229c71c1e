"""What every method makes of activations and weights, and its gradients, in NumPy float64.

An oracle takes an array and parameters by name and returns (the binarized array, backward), where
backward takes the gradient of that and returns gradients by name: "x" or "weight", and parameters.
Filters are an array's first dimension; activations are (N, channels, H, W).
"""

from __future__ import annotations

import numpy as np

T = 1.0
"""EDE's t three quarters through its published range, 1e-3 to 1e1; k is 1 there."""


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def clip(x, limit=1):
    return (np.abs(x) <= limit).astype(np.float64)


def polynomial(x):
    return np.where(np.abs(x) < 1, 2 - 2 * np.abs(x), 0)


def ede(x):
    return T / np.cosh(T * x) ** 2


def spread(values, like):
    return values.reshape(-1, *[1] * (like.ndim - 1))


def by_filter(array):
    """Sums over each filter."""
    return array.reshape(len(array), -1).sum(1)


def by_channel(array):
    return array.sum((0, 2, 3))


def real(name, function=lambda v: v, derivative=np.ones_like):
    return lambda v, _: (function(v), lambda g: {name: g * derivative(v)})


def relu(x):
    return np.maximum(x, 0)


def above_zero(x):
    return (x > 0).astype(np.float64)


# Weights


def plain_weight(derivative):
    return lambda w, _: (sign(w), lambda g: {"weight": g * derivative(w)})


def mean_abs_weight(derivative):
    """Scaled, the gradient not."""

    def binarize(w, _):
        alpha = by_filter(np.abs(w)) / w[0].size
        return spread(alpha, w) * sign(w), lambda g: {"weight": g * derivative(w)}

    return binarize


def abs_mean_weight(w, _):
    alpha = np.abs(by_filter(w)) / w[0].size
    # What a scale of 0 has taken from a gradient does not come back.
    return spread(alpha, w) * sign(w), lambda g: {"weight": g * clip(w) * spread(alpha > 0, w)}


def xnor_weight(w, _):
    alpha = spread(by_filter(np.abs(w)) / w[0].size, w)
    return alpha * sign(w), lambda g: {"weight": g * (1 / w[0].size + alpha * clip(w))}


def clip_inside(x):
    return (np.abs(x) < 1).astype(np.float64)


def released_xnor_weight(w, _):
    """As XNOR-Net's released code multiplies gradients: w[0].shape[0] is the number of channels."""
    n, c = w[0].size, w.shape[1]
    alpha = spread(by_filter(np.abs(w)) / n, w)
    return alpha * sign(w), lambda g: {
        "weight": g * (alpha * clip_inside(w) + 1 / n) * (1 - 1 / c) * n
    }


def wsd(derivative, scaled=False):
    def binarize(w, parameters):
        n = w[0].size
        a, mean = parameters["weight_binarizer.a"], by_filter(w) / n
        sigmoid = 1 / (1 + np.exp(-a))
        moved = w + spread(0.01 * sigmoid * mean, w)
        alpha = spread(by_filter(np.abs(w)) / n, w) if scaled else 1.0

        def backward(g):
            through = g * derivative(moved)
            of_a = by_filter(through) * 0.01 * sigmoid * (1 - sigmoid) * mean
            return {"weight": through, "weight_binarizer.a": of_a}

        return alpha * sign(moved), backward

    return binarize


def libra(w, _):
    n = w[0].size
    mean = spread(by_filter(w) / n, w)
    deviation = spread(np.sqrt(by_filter((w - mean) ** 2) / (n - 1)), w)
    v = (w - mean) / deviation
    scale = spread(2.0 ** np.round(np.log2(by_filter(np.abs(v)) / n)), w)

    def backward(g):
        of_v = g * scale * ede(v)
        means = spread(by_filter(of_v) / n, w)
        radial = spread(by_filter(of_v * v) / (n - 1), w)
        return {"weight": (of_v - means - v * radial) / deviation}

    return scale * sign(v), backward


def adaptive_weight(w, _):
    n = w[0].size
    beta = spread(by_filter(w) / n, w)
    alpha = spread(np.sqrt(by_filter((w - beta) ** 2) / n), w)
    v = (w - beta) / alpha

    def backward(g):
        of_v = g * alpha * ede(v)
        means = spread(by_filter(of_v) / n, w)
        radial = spread(by_filter(of_v * v) / n, w)
        of_alpha, of_beta = spread(by_filter(g * sign(v)), w), spread(by_filter(g), w)
        return {"weight": (of_v - means - v * radial) / alpha + of_alpha * v / n + of_beta / n}

    return alpha * sign(v) + beta, backward


# Activations


def plain_activation(derivative):
    return lambda x, _: (sign(x), lambda g: {"x": g * derivative(x)})


def rsign(x, parameters):
    moved = x + parameters["activation_binarizer.bias"].reshape(-1, 1, 1)

    def backward(g):
        through = g * polynomial(moved)
        return {"x": through, "activation_binarizer.bias": by_channel(through)}

    return sign(moved), backward


def asd(derivative):
    def binarize(x, parameters):
        squeeze = parameters["activation_binarizer.squeeze.weight"]
        excite = parameters["activation_binarizer.excite.weight"]
        mean = x.mean((2, 3))
        hidden = relu(mean @ squeeze.T)
        shift = 1 / (1 + np.exp(-hidden @ excite.T))
        moved = x + shift[:, :, None, None]

        def backward(g):
            through = g * derivative(moved)
            of_pre = through.sum((2, 3)) * shift * (1 - shift)
            of_hidden = (of_pre @ excite) * (hidden > 0)
            area = x.shape[2] * x.shape[3]
            return {
                "x": through + (of_hidden @ squeeze)[:, :, None, None] / area,
                "activation_binarizer.squeeze.weight": of_hidden.T @ mean,
                "activation_binarizer.excite.weight": of_pre.T @ hidden,
            }

        return sign(moved), backward

    return binarize


def adaptive_activation(x, parameters):
    alpha = parameters["activation_binarizer.alpha"]
    beta = parameters["activation_binarizer.beta"]
    u = (x - beta) / alpha

    def backward(g):
        of_u = g * alpha * polynomial(u)
        return {
            "x": of_u / alpha,
            "activation_binarizer.alpha": (g * (sign(u) + beta)).sum() - (of_u * u).sum() / alpha,
            "activation_binarizer.beta": (g * alpha).sum() - of_u.sum() / alpha,
        }

    return alpha * (sign(u) + beta), backward
