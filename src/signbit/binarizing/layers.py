"""A binary layer in the place of a real one, with its weights, its bias and a normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from signbit.binarizing.choosing import follower
from signbit.binarizing.tracing import module_of, shape
from signbit.methods.base import Method
from signbit.nn.layers import BinaryConv1d, BinaryConv2d, BinaryLinear
from signbit.nn.transposed import BinaryConvTranspose2d

__all__ = [
    "NORMS",
    "Bias",
    "OverFeatures",
    "batch_norm_for",
    "binary_layer",
    "calls",
    "following",
    "nonlinearity_for",
]

NORMS = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d),
)
_BETWEEN = (nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.Dropout, nn.Identity)


Layer = BinaryConv2d | BinaryLinear


class Bias(nn.Module):
    """x + bias, one for each feature; x (N, …, features), or (N, features, …) of maps."""

    def __init__(self, bias: Tensor, *, maps: bool) -> None:
        super().__init__()
        self.bias = nn.Parameter(bias.detach().clone())
        self.maps = maps

    def forward(self, x: Tensor) -> Tensor:
        if self.maps:
            return x + self.bias.reshape(1, -1, *([1] * (x.dim() - 2)))
        return x + self.bias


class OverFeatures(nn.Module):
    """A module of (N, features, tokens) for x (N, tokens, features)."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.module(x.transpose(1, 2)).transpose(1, 2)
        return y


def binary_layer(real: nn.Module, method: Method) -> Layer:
    """The method's layer of the same geometry; its latent weights are the real ones."""
    layer: Layer
    if isinstance(real, nn.Linear):
        layer = method.linear(real.in_features, real.out_features)
    elif isinstance(real, nn.ConvTranspose2d):
        return _transposed(real, method)
    else:
        assert isinstance(real, nn.Conv1d | nn.Conv2d)
        kind = BinaryConv1d if isinstance(real, nn.Conv1d) else BinaryConv2d
        sides = (real.kernel_size, real.stride, _padding(real), real.dilation)
        layer = kind(
            real.in_channels,
            real.out_channels,
            *(each[0] if isinstance(real, nn.Conv1d) else each for each in sides),  # type: ignore
            groups=real.groups,
            weight_binarizer=method.weight_binarizer(real.out_channels),
            activation_binarizer=method.activation_binarizer(real.in_channels),
        )
    weight = real.weight
    assert isinstance(weight, Tensor)
    return _with_weight(layer, weight, real)


def _transposed(real: nn.ConvTranspose2d, method: Method) -> Layer:
    geometry = (real.kernel_size, real.stride, real.padding, real.output_padding, real.groups)
    layer = BinaryConvTranspose2d(
        *(real.in_channels, real.out_channels, *geometry),  # type: ignore[arg-type]
        weight_binarizer=method.weight_binarizer(real.out_channels),
        activation_binarizer=method.activation_binarizer(real.in_channels),
    )
    # PyTorch has (in, out / groups, kh, kw), signbit's filters come first.
    weight = real.weight.reshape(real.groups, -1, *real.weight.shape[1:])
    weight = weight.transpose(1, 2).flatten(0, 1)
    return _with_weight(layer, weight, real)


def _with_weight(layer: Layer, weight: Tensor, real: nn.Module) -> Layer:
    layer.to(weight.device, weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight.reshape(layer.weight.shape))
    layer.weight.requires_grad_(weight.requires_grad)
    return layer.train(real.training)


def _padding(real: nn.Conv1d | nn.Conv2d) -> tuple[int, ...]:
    if real.padding == "valid":
        return (0,) * len(real.kernel_size)
    if real.padding == "same":
        sides = zip(real.kernel_size, real.dilation, strict=True)
        return tuple(step * (side - 1) // 2 for side, step in sides)
    assert not isinstance(real.padding, str)
    return tuple(real.padding)


def following(
    root: nn.Module, node: fx.Node, real: nn.Module
) -> tuple[fx.Node | None, nn.Module | None]:
    """The normalisation behind the binary layer that `node` calls, if there is one, and what has to
    follow the layer at once: a new normalisation, or the real layer's bias.

    A bias that the normalisation behind can take goes there.
    """
    bias = real.bias
    assert bias is None or isinstance(bias, Tensor)
    norm = follower(root, node, _BETWEEN)
    found = None if norm is None else module_of(root, norm)
    if norm is not None and isinstance(found, NORMS):
        if bias is None:
            return norm, None
        batch = isinstance(found, nn.BatchNorm1d | nn.BatchNorm2d) and calls(norm) == 1
        if batch and isinstance(found.running_mean, Tensor):
            # norm(x + bias) is the norm of x with a mean that is less by bias.
            found.running_mean -= bias.detach()
            return norm, None
        return norm, Bias(bias, maps=not isinstance(real, nn.Linear))
    sides = shape(node) or ()
    if isinstance(real, nn.Linear) and len(sides) != 2:
        return None, None if bias is None else Bias(bias, maps=False)
    batch_norm = batch_norm_for(real, sides)
    if bias is not None:
        with torch.no_grad():
            batch_norm.bias.copy_(bias)
    return None, batch_norm


def batch_norm_for(real: nn.Module, sides: tuple[int, ...]) -> nn.BatchNorm1d | nn.BatchNorm2d:
    """A normalisation of values (N, features, …) of that shape, on the real layer's device."""
    weight = real.weight
    assert isinstance(weight, Tensor)
    kind = nn.BatchNorm2d if len(sides) == 4 else nn.BatchNorm1d
    return kind(sides[1]).to(weight.device, weight.dtype)


def nonlinearity_for(
    root: nn.Module, node: fx.Node, method: Method, *, tokens: bool
) -> tuple[nn.Module, str]:
    """The method's non-linearity for the values that `node` gives, and its name.

    tokens: whether they are (N, tokens, features) where there are three sides.
    """
    sides = shape(node)
    assert sides is not None
    tokens = tokens and len(sides) == 3
    new = method.nonlinearity(sides[-1] if tokens else sides[1])
    name = type(new).__name__
    if not isinstance(new, nn.Identity):
        like = next(root.parameters(), torch.empty(0))
        new = (OverFeatures(new) if tokens else new).to(like.device, like.dtype)
    return new, name


def calls(node: fx.Node) -> int:
    """How often the graph calls the module that `node` calls."""
    return sum(each.op == "call_module" and each.target == node.target for each in node.graph.nodes)
