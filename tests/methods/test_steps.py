"""Forward and backward of a layer of every method against its oracle, zeros and borders included;
with both operands binarized, and with only one."""

from functools import partial

import numpy as np
import pytest
import torch
from tests.convolution import conv_oracle
from tests.methods import oracles
from tests.methods.oracles import clip, ede, polynomial

from signbit import methods

# Method -> (oracle of weights, oracle of activations).
CASES = {
    ("adabin", ()): (oracles.adaptive_weight, oracles.adaptive_activation),
    ("bireal", ()): (oracles.mean_abs_weight(clip), oracles.plain_activation(polynomial)),
    ("bnn", ()): (oracles.plain_weight(clip), oracles.plain_activation(clip)),
    ("combined", ()): (oracles.mean_abs_weight(clip), oracles.rsign),
    (
        "combined",
        (("weights", "libra"), ("weight_estimator", "ede"), ("activations", "adaptive")),
    ): (
        oracles.libra,
        oracles.adaptive_activation,
    ),
    ("irnet", ()): (oracles.libra, oracles.plain_activation(ede)),
    ("reactnet", ()): (oracles.mean_abs_weight(clip), oracles.rsign),
    ("real", ()): (oracles.real("weight"), oracles.real("x")),
    ("real-to-binary", ()): (oracles.plain_weight(clip), oracles.plain_activation(clip)),
    ("resnet-e", ()): (
        oracles.plain_weight(partial(clip, limit=1.3)),
        oracles.plain_activation(partial(clip, limit=1.3)),
    ),
    ("resnet-e", (("clip", 0.75),)): (
        oracles.plain_weight(partial(clip, limit=0.75)),
        oracles.plain_activation(partial(clip, limit=0.75)),
    ),
    ("sdbnn", ()): (oracles.wsd(ede), oracles.asd(ede)),
    ("sdbnn", (("asd", False),)): (oracles.wsd(ede), oracles.plain_activation(ede)),
    ("sdbnn", (("wsd", False),)): (oracles.plain_weight(ede), oracles.asd(ede)),
    ("sdbnn", (("scale", True),)): (oracles.wsd(ede, scaled=True), oracles.asd(ede)),
    ("sdbnn", (("asd", False), ("wsd", False), ("scale", True))): (
        oracles.mean_abs_weight(ede),
        oracles.plain_activation(ede),
    ),
    ("sdbnn-imagenet", ()): (oracles.wsd(clip), oracles.asd(polynomial)),
    ("xnor", ()): (oracles.xnor_weight, oracles.plain_activation(clip)),
    ("xnor", (("activation_scale", False),)): (
        oracles.xnor_weight,
        oracles.plain_activation(clip),
    ),
    ("xnor", (("scale", "released"), ("activation_scale", False))): (
        oracles.released_xnor_weight,
        oracles.plain_activation(oracles.clip_inside),
    ),
    ("xnor", (("scale", "released"),)): (
        oracles.released_xnor_weight,
        oracles.plain_activation(oracles.clip_inside),
    ),
    ("xnor", (("scale", "abs-mean"), ("activation_scale", False))): (
        oracles.abs_mean_weight,
        oracles.plain_activation(clip),
    ),
}
# In the place of the sign, where it is the method's only non-linearity.
RELU = oracles.real("x", oracles.relu, oracles.above_zero)
REAL = {"bireal": RELU, "resnet-e": RELU, "xnor": RELU}

# Values that sit on a zero or an edge of some method's sign, for the parameters set below.
EDGES = [0.0, -0.0, 1.0, -1.0, 0.25, 0.75, -0.25, 1.25, -0.75]
PARAMETERS = {
    "activation_binarizer.alpha": lambda rng, shape: np.array(-0.5),
    "activation_binarizer.beta": lambda rng, shape: np.array(0.25),
    "activation_binarizer.bias": lambda rng, shape: np.resize([0.0, 0.25, -0.25, -0.75], shape),
}


def is_mapped(case, binarize):
    """Whether XNOR-Net's K multiplies the layer's result."""
    name, parameters = case
    return (
        name == "xnor" and dict(parameters).get("activation_scale", True) and binarize != "weights"
    )


def latent(rng, shape):
    """The first filter has mean 0, zeros, and both edges of clip; its sums are exact."""
    weight = rng.normal(0.1, 0.8, shape)
    weight[0] = np.resize([1.0, -1.0, 0.0, 0.5, -0.5, -0.0], shape[1:])
    return weight


def expected(case, binarize, x, weight, parameters, stride, padding, rng):
    """y, incoming, and gradients by name."""
    of_weight, of_activation = CASES[case]
    if binarize == "activations":
        of_weight = oracles.real("weight")
    if binarize == "weights":
        of_activation = REAL.get(case[0], oracles.real("x"))
    binary_w, weight_backward = of_weight(weight, parameters)
    binary_x, activation_backward = of_activation(x, parameters)
    kernel = weight.shape[2:]
    geometry = (kernel, stride, padding, (1, 1), 1)
    if not is_mapped(case, binarize):
        y, incoming, to_x, to_w = conv_oracle(
            binary_x, binary_w, lambda shape: rng.normal(size=shape), *geometry
        )
        return y, incoming, {**activation_backward(to_x), **weight_backward(to_w)}
    box = np.full((1, 1, *kernel), 1 / np.prod(kernel))
    magnitudes = np.abs(x).mean(1, keepdims=True)
    k, *_ = conv_oracle(magnitudes, box, np.zeros, *geometry)
    incoming = rng.normal(size=(len(k), len(weight), *k.shape[2:]))
    y, _, to_x, to_w = conv_oracle(binary_x, binary_w, lambda _: incoming * k, *geometry)
    to_k = (incoming * y).sum(1, keepdims=True)
    _, _, to_magnitudes, _ = conv_oracle(magnitudes, box, lambda _: to_k, *geometry)
    gradients = {**activation_backward(to_x), **weight_backward(to_w)}
    gradients["x"] = gradients["x"] + to_magnitudes * np.sign(x) / x.shape[1]
    return y * k, incoming, gradients


SHAPES = {
    "convolution": ((2, 4, 6, 5), (6, 4, 3, 3), (1, 1), (1, 1)),
    "strided": ((2, 4, 6, 5), (5, 4, 3, 3), (2, 2), (1, 1)),
    "linear": ((5, 12, 1, 1), (4, 12, 1, 1), (1, 1), (0, 0)),
}


@pytest.mark.slow
@pytest.mark.parametrize("binarize", ["both", "activations", "weights"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_layer(case, shape, binarize):
    rng = np.random.default_rng(8)
    x_shape, weight_shape, stride, padding = SHAPES[shape]
    x, weight = rng.normal(0, 0.8, x_shape), latent(rng, weight_shape)
    x.flat[: 2 * len(EDGES)] = EDGES * 2
    name, parameters = case
    method = methods.get(name, **dict(parameters), binarize=binarize)
    out, channels, kernel, _ = weight_shape
    if shape == "linear":
        layer = method.linear(channels, out).double()
    else:
        layer = method.conv2d(channels, out, kernel, stride[0], padding[0]).double()
    method.on_epoch(layer, 3, 4)
    values = {}
    for key, parameter in layer.named_parameters():
        make = PARAMETERS.get(key, lambda rng, shape: rng.normal(0, 0.5, shape))
        value = weight if key == "weight" else make(rng, tuple(parameter.shape))
        parameter.data.copy_(torch.from_numpy(np.reshape(value, tuple(parameter.shape))))
        values[key] = value
    y, incoming, gradients = expected(case, binarize, x, weight, values, stride, padding, rng)

    flat = shape == "linear"
    tensor = torch.tensor(x[:, :, 0, 0] if flat else x, requires_grad=True)
    result = layer(tensor)
    result.backward(torch.from_numpy(incoming[:, :, 0, 0] if flat else incoming))
    np.testing.assert_allclose(result.detach().numpy().reshape(y.shape), y, rtol=1e-10, atol=1e-11)
    found = {key: p.grad.numpy() for key, p in layer.named_parameters()} | {
        "x": tensor.grad.numpy()
    }
    assert set(found) == set(gradients)
    for key, gradient in gradients.items():
        np.testing.assert_allclose(
            found[key].reshape(np.shape(gradient)), gradient, rtol=1e-8, atol=1e-10, err_msg=key
        )


def test_every_method_has_a_case():
    assert {name for name, _ in CASES} == set(methods.names())
