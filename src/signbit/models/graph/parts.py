"""The operations of a graph with tensors of their own, by name: modules made of plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from signbit.errors import RecipeError
from signbit.nn.binarizers import MultiBitActivation, PlainSignActivation, RealActivation, RSign
from signbit.nn.binarizers.activations import ActivationBinarizer
from signbit.nn.binarizers.weights import BinaryWeight, PlainSign, WeightBinarizer
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.nn.nonlinearities import Maxout
from signbit.nn.pixels.pixel_table import PixelTable

__all__ = ["PARTS", "binarizer"]

Spec = str | Mapping[str, Any]
"""How a layer binarizes its input: "sign", "real", {"shift": channels} or {"levels": shape of the
thresholds, "weights": […], "offset": …}."""


def binarizer(spec: Spec) -> ActivationBinarizer:
    """The activation binarizer of a layer. Raises RecipeError for another word."""
    if spec == "sign":
        return PlainSignActivation()
    if spec == "real":
        return RealActivation()
    if isinstance(spec, Mapping) and spec.keys() == {"shift"}:
        return RSign(int(spec["shift"]))
    if isinstance(spec, Mapping) and spec.keys() == {"levels", "weights", "offset"}:
        shape = [int(size) for size in spec["levels"]]
        with torch.device("cpu"):  # its numbers are looked at, which those of "meta" cannot be
            return MultiBitActivation(None, torch.zeros(shape), spec["weights"], spec["offset"])
    raise RecipeError(f"activation must be sign, real, a shift or levels, is {spec!r}")


class Binarized(nn.Module):
    """The values that a binarizer gives, as reals: offset + Σ weights[i] · sign(…)."""

    def __init__(self, activation: Spec) -> None:
        super().__init__()
        self.activation_binarizer = binarizer(activation)

    def forward(self, x: Tensor) -> Tensor:
        signs, scale, offset, _, more = self.activation_binarizer(x)
        y: Tensor = signs if offset is None else signs + offset
        y = y if scale is None else y * scale
        for each, factor in more:
            y = y + each * factor
        return y


class Constant(nn.Module):
    """A tensor that is the same for every image, (1, …); it is not trained."""

    value: Tensor

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("value", torch.zeros([int(size) for size in shape]))

    def forward(self) -> Tensor:
        return self.value


class Affine(nn.Module):
    """scale · x + shift by channel, of (N, channels, …), or by the last dimension of tokens.

    Either may be left out; what is there is trained.
    """

    def __init__(
        self, channels: int, scale: bool = True, shift: bool = True, last: bool = False
    ) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels)) if scale else None
        self.shift = nn.Parameter(torch.zeros(channels)) if shift else None
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) if self.last else (-1, *(1,) * (x.dim() - 2))
        if self.scale is not None:
            x = x * self.scale.reshape(shape)
        return x if self.shift is None else x + self.shift.reshape(shape)


class MovedSigns(WeightBinarizer):
    """scale · sign(w) + offset, both (filters,) and trained."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(filters))
        self.offset = nn.Parameter(torch.zeros(filters))

    def forward(self, weight: Tensor) -> BinaryWeight:
        return BinaryWeight(self.estimator(weight), self.scale, self.offset)


def _weight_binarizer(spec: str, filters: int) -> WeightBinarizer:
    if spec not in ("sign", "moved"):
        raise RecipeError(f"weight must be sign or moved, is {spec!r}")
    return MovedSigns(filters) if spec == "moved" else PlainSign()


def _batch_norm(channels: int, dims: int, eps: float) -> nn.Module:
    kind = nn.BatchNorm2d if dims == 4 else nn.BatchNorm1d
    return kind(channels, eps=eps)


def _conv2d(**arguments: Any) -> nn.Module:
    return nn.Conv2d(**_pairs(arguments))


def _binary_conv2d(*, activation: Spec, weight: str = "sign", **arguments: Any) -> nn.Module:
    return BinaryConv2d(
        **_pairs(arguments),
        activation_binarizer=binarizer(activation),
        weight_binarizer=_weight_binarizer(weight, arguments["out_channels"]),
    )


def _binary_linear(
    *, activation: Spec, in_features: int, out_features: int, weight: str = "sign"
) -> nn.Module:
    return BinaryLinear(
        in_features,
        out_features,
        activation_binarizer=binarizer(activation),
        weight_binarizer=_weight_binarizer(weight, out_features),
    )


def _pixel_table(channels: int | None, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
    shape = (256,) if channels is None else (channels, 256)
    with torch.device("cpu"):  # as above
        return PixelTable(torch.zeros(shape), mean, std)


def _pairs(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, lists as tuples, which is what layers take."""
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()
    }


PARTS: dict[str, Callable[..., nn.Module]] = {
    "affine": Affine,
    "batch_norm": _batch_norm,
    "binarize": Binarized,
    "binary_conv2d": _binary_conv2d,
    "binary_linear": _binary_linear,
    "constant": Constant,
    "conv2d": _conv2d,
    "linear": nn.Linear,
    "maxout": Maxout,
    "pixel_table": _pixel_table,
    "prelu": nn.PReLU,
}
"""Name → what makes the module, with the node's arguments as keywords."""
