"""Tokens and attention, mixers, signals of one row, and channels last."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from tests.compiler.networks_of_users.building import (
    MAP,
    Networks,
    Numbers,
    conv,
    of_map,
    of_row,
    of_tokens,
)
from torch import Tensor, nn

from signbit.nn import BinaryConv1d, BinaryConv2d, BinaryLinear, RPReLU

__all__ = ["NETWORKS"]


def _heads(own: Any, x: Tensor) -> Tensor:
    """Attention of two heads."""
    qkv = own.qkv(x).reshape(x.shape[0], x.shape[1], 3, 2, 4).permute(2, 0, 3, 1, 4)
    attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
    y: Tensor = x + own.out(attended.transpose(1, 2).flatten(2))
    return y


def _heads_by_hand(own: Any, x: Tensor) -> Tensor:
    b, t, c = x.shape
    q, k, v = own.qkv(x).view(b, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
    attn = (q * 0.5) @ k.transpose(-2, -1)
    attn = attn.softmax(dim=-1)
    y: Tensor = own.out((attn @ v).transpose(1, 2).reshape(b, t, c)) + x
    return y


class VisionTransformer(nn.Module):
    """A class token, learned positions, blocks of attention and of a binary MLP."""

    size = MAP

    def __init__(self, dim: int = 8, *, pooled: bool = False) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, dim, kernel_size=2, stride=2)
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, 13, dim))
        self.norm1 = nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, 2, batch_first=True)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(BinaryLinear(dim, 16), nn.GELU(), BinaryLinear(16, dim))
        self.head = nn.Linear(dim, 5)
        self.pooled = pooled

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        x = x + self.pos_embed
        y = self.norm1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        x = x + self.mlp(self.norm2(x))
        logits: Tensor = self.head(x.mean(dim=1) if self.pooled else x[:, 0])
        return logits


def _weights_too(own: Any, x: Tensor) -> Tensor:
    """What most write: the weights are computed and left."""
    y, _ = own.a(own.n(x), own.n(x), own.n(x))
    return x + own.l(y)


def _time_first(own: Any, x: Tensor) -> Tensor:
    x = x.permute(1, 0, 2)
    x = x + own.a(x, x, x, need_weights=False)[0]
    return own.l(x.permute(1, 0, 2))


def _mixed(own: Any, x: Tensor) -> Tensor:
    mixed = own.t(F.gelu(own.n(x).transpose(1, 2)))
    x = x + mixed.transpose(1, 2)
    y: Tensor = own.f(own.m(x)) + x
    return y


def _mixed_convolutions(own: Any, x: Tensor) -> Tensor:
    """A depthwise layer around which the map goes, then single pixels."""
    x = x + own.n(F.gelu(own.d(x)))
    y: Tensor = own.p(x)
    return y


def _next(own: Any, x: Tensor) -> Tensor:
    """A block whose layers have the channels last."""
    y = own.d(x).permute(0, 2, 3, 1)
    y = own.b(F.gelu(own.a(own.n(y))))
    return x + (own.g.gamma * y).permute(0, 3, 1, 2)


def _map_again(own: Any, x: Tensor) -> Tensor:
    """Tokens as a map, for a binary convolution of neighbours."""
    y = x.transpose(1, 2).reshape(x.shape[0], -1, 4, 3)
    return x + own.c(y).flatten(2).transpose(1, 2)


NETWORKS: Networks = {
    "a signal": lambda: of_row(
        lambda o, x: F.max_pool1d(o.n(o.c(x)), 2),
        c=BinaryConv1d(8, 8, 5, padding=2),
        n=nn.BatchNorm1d(8),
    ),
    "a residual signal": lambda: of_row(
        lambda o, x: x + o.r(o.c(x)), c=BinaryConv1d(8, 8, 3, padding=1), r=RPReLU(8)
    ),
    "a dilated signal": lambda: of_row(
        lambda o, x: o.c(x), c=BinaryConv1d(8, 8, 3, padding=4, dilation=4)
    ),
    "a signal of the past": lambda: of_row(
        lambda o, x: o.c(F.pad(x, (4, 0))) + x, c=BinaryConv1d(8, 8, 3, dilation=2)
    ),
    "a reflected signal": lambda: of_row(
        lambda o, x: F.relu(o.n(o.c(o.p(x)))),
        p=nn.ReflectionPad1d(2),
        c=BinaryConv1d(8, 8, 5),
        n=nn.InstanceNorm1d(8),
    ),
    "a signal upsampled": lambda: of_row(
        lambda o, x: F.interpolate(o.c(F.avg_pool1d(x, 2)), scale_factor=2, mode="linear") + x,
        c=BinaryConv1d(8, 8, 3, padding=1),
    ),
    "a gated signal": lambda: of_row(
        lambda o, x: torch.tanh(o.a(x)) * torch.sigmoid(o.b(x)),
        a=BinaryConv1d(8, 8, 3, padding=1),
        b=nn.Conv1d(8, 8, 3, padding="same"),
    ),
    "a signal of steps": lambda: of_row(
        lambda o, x: o.t(x.transpose(1, 2)).transpose(1, 2), t=BinaryLinear(8, 8)
    ),
    "tokens": lambda: of_tokens(lambda o, x: x + o.l(x), l=BinaryLinear(8, 8)),
    "a mixer": lambda: of_tokens(
        lambda o, x: o.f(o.n(x + o.t(x.transpose(1, 2)).transpose(1, 2))),
        t=BinaryLinear(12, 12),
        n=nn.LayerNorm(8),
        f=BinaryLinear(8, 8),
    ),
    "a mixer with two norms": lambda: of_tokens(
        _mixed, n=nn.LayerNorm(8), t=BinaryLinear(12, 12), m=nn.LayerNorm(8), f=BinaryLinear(8, 8)
    ),
    "a mixer of convolutions": lambda: of_map(
        _mixed_convolutions, d=conv(8, 8, 5, groups=8), n=nn.BatchNorm2d(8), p=conv(8, 8, 1)
    ),
    "attention": lambda: of_tokens(
        lambda o, x: x + o.l((o.q(x) @ o.k(x).transpose(1, 2) / 3).softmax(-1) @ x),
        **dict(zip("qkl", (BinaryLinear(8, 8) for _ in "qkl"), strict=True)),
    ),
    "heads": lambda: of_tokens(_heads, qkv=BinaryLinear(8, 24), out=BinaryLinear(8, 8)),
    "heads by hand": lambda: of_tokens(
        _heads_by_hand, qkv=nn.Linear(8, 24, bias=False), out=BinaryLinear(8, 8)
    ),
    "a vision transformer": VisionTransformer,
    "a vision transformer, pooled": lambda: VisionTransformer(pooled=True),
    "attention with its weights": lambda: of_tokens(
        _weights_too,
        n=nn.LayerNorm(8),
        a=nn.MultiheadAttention(8, 4, batch_first=True),
        l=BinaryLinear(8, 8),
    ),
    "attention, time first": lambda: of_tokens(
        _time_first, a=nn.MultiheadAttention(8, 2, bias=False), l=BinaryLinear(8, 8)
    ),
    "PyTorch's encoder": lambda: of_tokens(
        lambda o, x: o.l(o.e(x)),
        e=nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True),
        l=BinaryLinear(8, 8),
    ),
    "lengths of tokens": lambda: of_tokens(
        lambda o, x: o.l(o.n(x)) + x, n=nn.RMSNorm(8), l=BinaryLinear(8, 8)
    ),
    "one token": lambda: of_tokens(lambda o, x: o.l(x)[:, :1] + x[:, 1:4], l=BinaryLinear(8, 8)),
    "positions": lambda: of_tokens(
        lambda o, x: o.l(x + torch.linspace(-1, 1, 96).reshape(1, 12, 8)), l=BinaryLinear(8, 8)
    ),
    "tokens as a map": lambda: of_tokens(
        _map_again, c=nn.Sequential(BinaryConv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8))
    ),
    "channels last": lambda: of_map(
        lambda o, x: o.l(o.n(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2),
        n=nn.LayerNorm(8),
        l=BinaryLinear(8, 8),
    ),
    "a ConvNeXt": lambda: of_map(
        _next,
        d=conv(8, 8, 7, groups=8),
        n=nn.LayerNorm(8),
        a=nn.Linear(8, 16),
        b=BinaryLinear(16, 8),
        g=Numbers(gamma=torch.linspace(0.1, 0.5, 8)),
    ),
}
