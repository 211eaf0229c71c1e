"""A network of `signbit.models` without its classifier: images in, features out."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from signbit import models
from signbit.methods.base import Method

__all__ = ["Backbone", "build_backbone"]


class Backbone(nn.Module):
    """Normalised float images (N, channels, H, W) → features (N, width), of `network`.

    width: how many features an image gets; input_size: (H, W) the network is made for; channels:
    of the images.
    """

    def __init__(
        self, network: nn.Module, *, width: int, input_size: tuple[int, int], channels: int
    ) -> None:
        super().__init__()
        self.network = network
        self.width = width
        self.input_size = input_size
        self.channels = channels

    def forward(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.network(pixels)
        return features

    def extra_repr(self) -> str:
        return f"width={self.width}, input_size={self.input_size}, channels={self.channels}"


def build_backbone(network: str, method: Method, channels: int = 3) -> Backbone:
    """The architecture `network` with the method's initial weights, without its classifier.

    A BN1d right before the classifier, which ResNet-20, resnet18-norm and the ResNet-18s for 32x32
    images have to scale its input, is left out too, as MoCo drops `fc`. All other tensors keep the
    names that the network's state has. Raises RecipeError as `signbit.models.build` does.
    """
    model = models.build(network, method, classes=1, channels=channels)
    # Every architecture registers its classifier last, and what normalises for it before that.
    (before, layer), (last, classifier) = list(model.named_children())[-2:]
    assert isinstance(classifier, nn.Linear)
    setattr(model, last, nn.Identity())
    if isinstance(layer, nn.BatchNorm1d):
        setattr(model, before, nn.Identity())
    return Backbone(
        model,
        width=classifier.in_features,
        input_size=cast("tuple[int, int]", model.input_size),
        channels=channels,
    )
