"""A Method: what a paper says about binarization, as parts that any model puts together.

A model asks its Method for convolutions and non-linearities and never asks which method it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from signbit.errors import RecipeError
from signbit.nn.binarizers.activations import ActivationBinarizer, RealActivation
from signbit.nn.binarizers.weights import RealWeight, WeightBinarizer
from signbit.nn.block_order import CONV_FIRST, BlockOrder
from signbit.nn.estimators import Estimator
from signbit.nn.layers import BinaryConv1d, BinaryConv2d, BinaryLinear

__all__ = ["Method"]


@dataclass(frozen=True)
class Method:
    """The parts of a binarization method. The factories make a new module for every layer."""

    name: str
    weight_binarizer: Callable[[int], WeightBinarizer]
    """output channels -> the weight binarizer of one layer."""
    activation_binarizer: Callable[[int], ActivationBinarizer]
    """input channels -> the activation binarizer of one layer."""
    nonlinearity: Callable[[int], nn.Module]
    """channels -> the non-linearity after a normalisation or an addition."""
    initialise: Callable[[nn.Module], None]
    """Sets a whole model's initial weights in place, from torch's global generator."""
    latent_limit: float | None = None
    """Latent weights are clipped to [-limit, limit] after every step; None: not clipped."""
    real_activation: Callable[[], nn.Module] = nn.Identity
    """Makes what stands in the place of a layer's activation binarizer where activations stay real:
    a non-linearity where the sign is the method's only one."""
    stem: Callable[[int], nn.Module] | None = None
    """channels -> the non-linearity of the real first convolution; None: as everywhere."""
    order: BlockOrder = CONV_FIRST
    """Whether a residual block normalises before or behind its convolution."""
    shortcuts: bool = False
    """Whether the method wants a shortcut around every binary convolution, in any network."""

    def binarizing(self, what: object) -> Method:
        """This method where "both", or only "activations" or "weights", are binarized.

        Layers are the same: one of their two binarizers hands its tensor on. Real weights are not
        clipped. Raises RecipeError for another word.
        """
        if what == "both":
            return self
        if what == "activations":
            return replace(self, weight_binarizer=lambda _: RealWeight(), latent_limit=None)
        if what == "weights":
            return replace(
                self, activation_binarizer=lambda _: RealActivation(self.real_activation())
            )
        raise RecipeError(
            f"{self.name}: binarize must be both, activations or weights, got {what!r}"
        )

    def conv2d(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
    ) -> BinaryConv2d:
        """A binary convolution with this method's binarizers."""
        return BinaryConv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            weight_binarizer=self.weight_binarizer(out_channels),
            activation_binarizer=self.activation_binarizer(in_channels),
        )

    def conv1d(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
    ) -> BinaryConv1d:
        """A binary convolution of signals, (N, in_channels, L), with this method's binarizers."""
        return BinaryConv1d(
            *(in_channels, out_channels, kernel_size, stride, padding),
            weight_binarizer=self.weight_binarizer(out_channels),
            activation_binarizer=self.activation_binarizer(in_channels),
        )

    def linear(self, in_features: int, out_features: int) -> BinaryLinear:
        """A binary linear layer with this method's binarizers."""
        return BinaryLinear(
            in_features,
            out_features,
            weight_binarizer=self.weight_binarizer(out_features),
            activation_binarizer=self.activation_binarizer(in_features),
        )

    def stem_nonlinearity(self, channels: int) -> nn.Module:
        """What follows the normalisation of the real first convolution."""
        return (self.stem or self.nonlinearity)(channels)

    def on_epoch(self, model: nn.Module, epoch: int, epochs: int) -> None:
        """Move every scheduled estimator of `model` to the start of `epoch` (0-based) of `epochs`.

        Depends on its arguments alone: calling it after a resume restores the schedule.
        """
        for module in model.modules():
            estimator = getattr(module, "estimator", None)
            if isinstance(estimator, Estimator):
                estimator.set_progress(epoch, epochs)

    @torch.no_grad()
    def after_step(self, model: nn.Module) -> None:
        """Clip latent weights in place, where the method says so; call after an optimiser step."""
        if self.latent_limit is None:
            return
        for module in model.modules():
            if isinstance(module, BinaryConv2d | BinaryLinear):
                module.weight.clamp_(-self.latent_limit, self.latent_limit)
