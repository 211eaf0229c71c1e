"""What an epoch did to the signs of every binary layer: how many flipped, how they are balanced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from signbit.nn.binarizers import BinaryActivation, RealWeight
from signbit.nn.layers import BinaryConv2d, BinaryLinear

__all__ = ["SignRecords", "binary_weights"]

_Layer = BinaryConv2d | BinaryLinear


def binary_weights(model: nn.Module) -> dict[str, _Layer]:
    """The layers of `model` whose weights are signs, by name; others of them may still be real."""
    return {
        name: layer
        for name, layer in _layers(model).items()
        if not isinstance(layer.weight_binarizer, RealWeight)
    }


class SignRecords:
    """Measures of a network's signs, an epoch at a time; nothing that a resumed run would lack.

    An entry of the history has these for every layer NAME whose weights or inputs are signs.
    flips/NAME is the share of weights whose sign flipped in this epoch. weights/NAME/mean, /min and
    /max are of the share of +1 in each filter. inputs/NAME/mean, /min and /max are of the share of
    +1 in each channel of the binarized input, for the first batch of test images. All are 0 … 1.
    """

    def __init__(self, model: nn.Module) -> None:
        self._layers = _layers(model)
        self._weights = binary_weights(model)
        self._before: dict[str, Tensor] = {}
        self._counts: dict[str, Tensor] = {}

    def start_epoch(self) -> None:
        """Remember the signs of the weights as they are now."""
        self._before = {name: _positive(layer) for name, layer in self._weights.items()}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count the signs of the first input that each layer binarizes inside the block."""
        self._counts = {}
        hooks = [
            layer.activation_binarizer.register_forward_hook(self._counter(name))
            for name, layer in self._layers.items()
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def measures(self, add: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """The epoch's part of the history; `add` sums a tensor over all processes."""
        result: dict[str, float] = {}
        for name, before in self._before.items():
            now = _positive(self._layers[name])
            result[f"flips/{name}"] = float((now != before).double().mean())
            result |= _spread(f"weights/{name}", now.flatten(1).double().mean(1))
        for name, layer in self._layers.items():
            # A process without test images takes part in the sum as well.
            nothing = torch.zeros(_channels(layer) + 1, dtype=torch.float64)
            counts = add(self._counts.get(name, nothing.to(layer.weight.device)))
            if counts[-1] > 0:
                result |= _spread(f"inputs/{name}", counts[:-1] / counts[-1])
        return result

    def _counter(self, name: str) -> Callable[[nn.Module, Any, BinaryActivation], None]:
        def count(module: nn.Module, args: Any, activation: BinaryActivation) -> None:
            if name in self._counts:
                return
            signs = activation.signs
            channels = signs.transpose(0, 1).flatten(1)
            # Where activations stay real, signs that were taken elsewhere may pass all the same.
            values = channels.shape[1] if bool((signs.abs() == 1).all()) else 0
            positive = (channels > 0).sum(1).double()
            self._counts[name] = torch.cat([positive, positive.new_tensor([values])])

        return count


def _layers(model: nn.Module) -> dict[str, _Layer]:
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, BinaryConv2d | BinaryLinear)
    }


def _channels(layer: _Layer) -> int:
    return layer.in_channels if isinstance(layer, BinaryConv2d) else layer.in_features


def _spread(name: str, shares: Tensor) -> dict[str, float]:
    return {
        f"{name}/mean": float(shares.mean()),
        f"{name}/min": float(shares.min()),
        f"{name}/max": float(shares.max()),
    }


@torch.no_grad()
def _positive(layer: _Layer) -> Tensor:
    """Whether each weight is +1."""
    signs: Tensor = layer.weight_binarizer(layer.weight).signs
    return signs > 0
