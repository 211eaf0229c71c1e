"""A binary MLP-Mixer: layers over the patches of an image and over their channels, in turn.

Tolstikhin et al. 2021, "MLP-Mixer: An all-MLP Architecture for Vision", section 2, with signs for
its weights and activations; no paper has this form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["Mixer"]


class Mixer(nn.Module):
    """Real embedding of patches, `layers` mixer layers, LayerNorm, real classifier.

    For 32x32 images with patches of 4x4: 64 tokens of `width` channels.
    """

    input_size = (32, 32)

    def __init__(
        self, method: Method, *, classes: int, channels: int, width: int = 256, layers: int = 8
    ) -> None:
        super().__init__()
        self.embed = nn.Conv2d(channels, width, 4, stride=4)
        tokens = 8 * 8
        self.layers = nn.Sequential(*(MixerLayer(method, tokens, width) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.layers(self.embed(x).flatten(2).transpose(1, 2))
        logits: Tensor = self.classifier(self.norm(tokens).mean(1))
        return logits


class MixerLayer(nn.Module):
    """x + tokens(norm(x)) over the patches, then x + channels(norm(x)); (N, tokens, width)."""

    def __init__(self, method: Method, tokens: int, width: int) -> None:
        super().__init__()
        self.token_norm = nn.LayerNorm(width)
        self.over_tokens = Perceptron(method, tokens, 2 * tokens, tokens)
        self.channel_norm = nn.LayerNorm(width)
        self.over_channels = Perceptron(method, width, 4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.over_tokens(self.token_norm(x).transpose(1, 2)).transpose(1, 2)
        y: Tensor = x + self.over_channels(self.channel_norm(x))
        return y


class Perceptron(nn.Module):
    """LayerNorm(linear(LayerNorm(linear(x)))), both layers binary; (..., features)."""

    def __init__(self, method: Method, features: int, hidden: int, out: int) -> None:
        super().__init__()
        self.first = method.linear(features, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.second = method.linear(hidden, out)
        self.out_norm = nn.LayerNorm(out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out_norm(self.second(self.norm(self.first(x))))
        return y
