"""Networks as people write them, of every family that was once refused, and what still is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.nets import Size, compiled, randomise
from tests.compiler.small import randomise_latents
from tests.thorough import sample
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn import (
    BinaryConv1d,
    BinaryConv2d,
    BinaryLinear,
    Maxout,
    RPReLU,
    SignPadding,
    Threshold,
)

Function = Callable[..., Tensor]

MAP: Size = (8, 6, 3)
ROW: Size = (1, 24, 3)


class Of(nn.Module):
    """A network whose forward is a function of its layers and the images."""

    def __init__(self, function: Function, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def _conv(channels: int, out: int, kernel: int = 3, **keys: Any) -> nn.Module:
    keys = {"padding": kernel // 2, **keys}
    return nn.Sequential(BinaryConv2d(channels, out, kernel, **keys), nn.BatchNorm2d(out))


def _stem(out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, out, 3, padding=1, bias=False), nn.BatchNorm2d(out))


def _map(function: Function, channels: int = 8, out: int = 8, **layers: nn.Module) -> nn.Module:
    """A stem, the function of its map, which has `out` channels then, and a classifier."""

    def forward(own: Any, x: Tensor) -> Tensor:
        y: Tensor = own.head(function(own, own.stem(x)).mean((2, 3)))
        return y

    return Of(forward, stem=_stem(channels), head=nn.Linear(out, 5), **layers)


def _row(function: Function, out: int = 8, **layers: nn.Module) -> nn.Module:
    """A signal of one row through a stem, the function, and a classifier of its mean."""

    def forward(own: Any, x: Tensor) -> Tensor:
        y: Tensor = own.head(function(own, own.stem(x.squeeze(2))).mean(2))
        return y

    stem = nn.Sequential(nn.Conv1d(3, 8, 5, padding=2), nn.BatchNorm1d(8))
    return Of(forward, stem=stem, head=nn.Linear(out, 5), **layers)


def _tokens(function: Function, features: int = 8, **layers: nn.Module) -> nn.Module:
    """Patches as tokens (N, 12, 8), the function, and a classifier of their mean."""

    def forward(own: Any, x: Tensor) -> Tensor:
        tokens = own.patches(x).flatten(2).transpose(1, 2)
        y: Tensor = own.head(function(own, tokens).mean(1))
        return y

    patches = nn.Conv2d(3, 8, 2, 2)
    return Of(forward, patches=patches, head=nn.Linear(features, 5), **layers)


def _heads(own: Any, x: Tensor) -> Tensor:
    """Attention of two heads."""
    qkv = own.qkv(x).reshape(len(x), x.shape[1], 3, 2, 4).permute(2, 0, 3, 1, 4)
    attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
    y: Tensor = x + own.out(attended.transpose(1, 2).flatten(2))
    return y


def _excite(channels: int) -> nn.Module:
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(channels, 2, 1),
        nn.ReLU(),
        nn.Conv2d(2, channels, 1),
        nn.Sigmoid(),
    )


NETWORKS: dict[str, tuple[Size, Callable[[], nn.Module]]] = {
    "squeeze and excite": (
        MAP,
        lambda: _map(lambda o, x: x + o.c(x) * o.s(x), c=_conv(8, 8), s=_excite(8)),
    ),
    "squeeze and excite by linear layers": (
        MAP,
        lambda: _map(
            lambda o, x: o.c(x) * F.hardsigmoid(o.s(x.mean((2, 3))))[:, :, None, None],
            c=_conv(8, 8),
            s=nn.Linear(8, 8),
        ),
    ),
    "dense connections": (
        MAP,
        lambda: _map(lambda o, x: torch.cat((x, o.c(x)), 1), out=12, c=_conv(8, 4)),
    ),
    "halves that go their own ways": (
        MAP,
        lambda: _map(lambda o, x: torch.cat((x[:, :4], o.c(x[:, 4:])), 1), c=_conv(4, 4)),
    ),
    "shuffled groups": (
        MAP,
        lambda: _map(lambda o, x: F.channel_shuffle(o.c(x), 2) + x, c=_conv(8, 8, groups=2)),
    ),
    "padded with minus one": (
        MAP,
        lambda: _map(lambda o, x: o.c(o.p(x)), p=SignPadding(1, -1), c=_conv(8, 8, padding=0)),
    ),
    "padded on two sides": (
        MAP,
        lambda: _map(
            lambda o, x: o.c(F.pad(x, (0, 1, 0, 1))), c=_conv(8, 8, 3, padding=0, stride=2)
        ),
    ),
    "pooled in four ways": (
        MAP,
        lambda: _map(
            lambda o, x: (
                F.max_pool2d(o.c(x), 2)
                + F.avg_pool2d(x, 2)
                - F.adaptive_avg_pool2d(x, (4, 3)) * F.adaptive_max_pool2d(x, (1, 1))
            ),
            c=_conv(8, 8),
        ),
    ),
    "clips": (
        MAP,
        lambda: _map(lambda o, x: o.c(x.clamp(-1, 1)).clip(max=3) + F.relu6(x), c=_conv(8, 8)),
    ),
    "smooth activations": (
        MAP,
        lambda: _map(lambda o, x: F.silu(o.c(F.hardswish(x))) * torch.tanh(x), c=_conv(8, 8)),
    ),
    "RPReLU and Maxout": (
        MAP,
        lambda: _map(lambda o, x: o.m(o.c(o.r(x) + x)), c=_conv(8, 8), r=RPReLU(8), m=Maxout(8)),
    ),
    "differences": (
        MAP,
        lambda: _map(lambda o, x: 1 - (o.c(x) - x) - o.c(-x), c=_conv(8, 8)),
    ),
    "upsampled and joined": (
        MAP,
        lambda: _map(
            lambda o, x: torch.cat((x, F.interpolate(o.c(F.max_pool2d(x, 2)), scale_factor=2)), 1),
            out=16,
            c=_conv(8, 8),
        ),
    ),
    "a U-Net": (
        MAP,
        lambda: _map(
            lambda o, x: o.d(torch.cat((x, o.u(o.c(F.max_pool2d(x, 2)))), 1)),
            c=_conv(8, 8),
            u=nn.ConvTranspose2d(8, 8, 2, 2),
            d=_conv(16, 8),
        ),
    ),
    "a signal": (
        ROW,
        lambda: _row(
            lambda o, x: F.max_pool1d(o.n(o.c(x)), 2),
            c=BinaryConv1d(8, 8, 5, padding=2),
            n=nn.BatchNorm1d(8),
        ),
    ),
    "a residual signal": (
        ROW,
        lambda: _row(lambda o, x: x + o.r(o.c(x)), c=BinaryConv1d(8, 8, 3, padding=1), r=RPReLU(8)),
    ),
    "a dilated signal": (
        ROW,
        lambda: _row(lambda o, x: o.c(x), c=BinaryConv1d(8, 8, 3, padding=4, dilation=4)),
    ),
    "a signal of steps": (
        ROW,
        lambda: _row(lambda o, x: o.t(x.transpose(1, 2)).transpose(1, 2), t=BinaryLinear(8, 8)),
    ),
    "tokens": (MAP, lambda: _tokens(lambda o, x: x + o.l(x), l=BinaryLinear(8, 8))),
    "a mixer": (
        MAP,
        lambda: _tokens(
            lambda o, x: o.f(o.n(x + o.t(x.transpose(1, 2)).transpose(1, 2))),
            t=BinaryLinear(12, 12),
            n=nn.LayerNorm(8),
            f=BinaryLinear(8, 8),
        ),
    ),
    "attention": (
        MAP,
        lambda: _tokens(
            lambda o, x: x + o.l((o.q(x) @ o.k(x).transpose(1, 2) / 3).softmax(-1) @ x),
            **dict(zip("qkl", (BinaryLinear(8, 8) for _ in "qkl"), strict=True)),
        ),
    ),
    "heads": (MAP, lambda: _tokens(_heads, qkv=BinaryLinear(8, 24), out=BinaryLinear(8, 8))),
    "one token": (
        MAP,
        lambda: _tokens(lambda o, x: o.l(x)[:, :1] + x[:, 1:4], l=BinaryLinear(8, 8)),
    ),
    "positions": (
        MAP,
        lambda: _tokens(
            lambda o, x: o.l(x + torch.linspace(-1, 1, 96).reshape(1, 12, 8)), l=BinaryLinear(8, 8)
        ),
    ),
    "a map of constants": (
        MAP,
        lambda: _map(lambda o, x: o.c(x * torch.linspace(0.5, 2, 48).reshape(8, 6)), c=_conv(8, 8)),
    ),
    "features normalised one by one": (
        MAP,
        lambda: Of(
            lambda o, x: o.h(o.n(o.s(x).amax((2, 3)))),
            s=_stem(8),
            n=nn.BatchNorm1d(8),
            h=BinaryLinear(8, 5),
        ),
    ),
    "signs as reals": (
        MAP,
        lambda: _map(lambda o, x: 0.5 * o.t(o.c(x)) + x, c=_conv(8, 8), t=Threshold(0.25)),
    ),
    "whole thresholds": (
        MAP,
        lambda: _map(
            lambda o, x: o.d(o.t(o.c(x))),
            c=BinaryConv2d(8, 8, 3),
            t=Threshold(range(-4, 4), [True] * 4 + [False] * 4),
            d=_conv(8, 8),
        ),
    ),
    "channels last": (
        MAP,
        lambda: _map(
            lambda o, x: o.l(o.n(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2),
            n=nn.LayerNorm(8),
            l=BinaryLinear(8, 8),
        ),
    ),
}


@pytest.mark.parametrize("name", sample(NETWORKS, "squeeze and excite", "a U-Net", "a mixer"))
def test_compiles_exactly(name: str) -> None:
    size, make = NETWORKS[name]
    torch.manual_seed(0)
    model = make()
    randomise_latents(model)
    assert_exact(randomise(model), size, end_to_end=False)


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "masked attention": (
        lambda: _tokens(lambda o, x: F.scaled_dot_product_attention(x, x, x, is_causal=True)),
        "softmax(-1) @ v",
    ),
    "group normalisation": (lambda: _map(lambda o, x: o.n(x), n=nn.GroupNorm(2, 8)), "BatchNorm2d"),
    "bilinear upsampling": (
        lambda: _map(lambda o, x: F.interpolate(x, scale_factor=2, mode="bilinear")),
        "mode='nearest'",
    ),
    "reflected padding": (
        lambda: _map(lambda o, x: F.pad(x, (1, 1, 1, 1), mode="reflect")),
        "nn.ZeroPad2d",
    ),
}


@pytest.mark.parametrize("name", sample(REFUSED, "masked attention"))
def test_names_the_rewrite(name: str) -> None:
    make, cure = REFUSED[name]
    with pytest.raises(CompileError) as caught:
        compiled(make().eval(), MAP)
    assert cure in str(caught.value).replace("\n     ", "")
