"""A binary vision transformer: projections and both products of attention are of signs.

Le, Li 2023, "BinaryViT: Pushing Binary Vision Transformers Towards Convolutional Models", section
3, and its authors' code (Phuoc-Hoan-Le/BinaryViT): a shortcut around every binary layer, and the
mean of the tokens classified. The size, for 32x32 images, is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.models.pokebnn import ReshapeShortcut

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["BinaryViT"]


class BinaryViT(nn.Module):
    """Real embedding of patches, positions, transformer layers, LayerNorm, real classifier.

    For 32x32 images with patches of 4x4: 64 tokens of `width` channels, which stay a map of 8x8.
    heads: parts of the channels that attend by themselves; layers: how many follow each other.
    Raises InputError where the heads do not divide the width.
    """

    input_size = (32, 32)

    def __init__(
        self,
        method: Method,
        *,
        classes: int,
        channels: int,
        width: int = 192,
        heads: int = 3,
        layers: int = 8,
    ) -> None:
        super().__init__()
        if width % heads:
            raise InputError(f"BinaryViT: heads={heads} must divide width={width}")
        self.embed = nn.Conv2d(channels, width, 4, stride=4)
        self.positions = nn.Parameter(0.02 * torch.randn(1, width, 8, 8))
        self.layers = nn.Sequential(*(Layer(method, width, heads) for _ in range(layers)))
        self.norm = PixelNorm(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.layers(self.embed(x) + self.positions)
        logits: Tensor = self.classifier(self.norm(tokens).mean((2, 3)))
        return logits


class Layer(nn.Module):
    """x + attention(norm(x)), then x + narrow(widen(norm(x))); (N, width, H, W)."""

    def __init__(self, method: Method, width: int, heads: int) -> None:
        super().__init__()
        self.attention_norm = PixelNorm(width)
        self.attention = Attention(method, width, heads)
        self.norm = PixelNorm(width)
        self.widen = Projection(method, width, 4 * width)
        self.narrow = Projection(method, 4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x))
        y: Tensor = x + self.narrow(self.widen(self.norm(x)))
        return y


class Attention(nn.Module):
    """project(nonlinearity(norm(softmax(Q K / sqrt(d)) V) + q + k + v)); (N, width, H, W).

    q, k and v are projections, Q, K and V their signs, in heads of d channels. The softmax is real,
    where the paper has its values in one bit, too.
    """

    def __init__(self, method: Method, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.projections = nn.ModuleList(Projection(method, width, width) for _ in "qkv")
        self.binarizers = nn.ModuleList(method.activation_binarizer(width) for _ in "qkv")
        self.norm = nn.LayerNorm(width)
        self.nonlinearity = method.nonlinearity(width)
        self.project = Projection(method, width, width)

    def forward(self, x: Tensor) -> Tensor:
        real = [project(x) for project in self.projections]
        q, k, v = (
            self._in_heads(binarize(each).values())
            for binarize, each in zip(self.binarizers, real, strict=True)
        )
        weights = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(-1)
        mixed = self.norm((weights @ v).transpose(1, 2).flatten(2))
        mixed = mixed.transpose(1, 2).reshape(x.shape)
        y = self.nonlinearity(mixed + real[0] + real[1] + real[2])
        projected: Tensor = self.project(y)
        return projected

    def _in_heads(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to (N, heads, H * W, width / heads)."""
        return torch.unflatten(x.flatten(2), 1, (self.heads, -1)).transpose(-2, -1)


class Projection(nn.Module):
    """nonlinearity(BN(binary 1x1 convolution(x)) + x), the channels of x fitted to those that
    come out: repeated, or means of neighbours."""

    def __init__(self, method: Method, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = method.conv2d(in_channels, out_channels, 1)
        self.norm = nn.BatchNorm2d(out_channels)
        self.shortcut = ReshapeShortcut(in_channels, out_channels, tile=True)
        self.nonlinearity = method.nonlinearity(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.nonlinearity(self.norm(self.conv(x)) + self.shortcut(x))
        return y


class PixelNorm(nn.LayerNorm):
    """LayerNorm over the channels of each pixel; (N, channels, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
