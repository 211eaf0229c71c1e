"""Pools, pads, sizes, and what moves pixels."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from tests.compiler.networks_of_users.building import Networks, Of, conv, of_map, stem
from torch import Tensor, nn

from signbit.nn import BinaryConv2d, BinaryConvTranspose2d, BinaryLinear, SignPadding

__all__ = ["NETWORKS"]


def _pyramid(own: Any, x: Tensor) -> Tensor:
    """Pooled to some sizes, and joined at the map's."""
    parts = [x]
    for size, layer in zip((1, 2, 3), own.layers, strict=True):
        pooled = layer(F.adaptive_avg_pool2d(x, size))
        parts.append(F.interpolate(pooled, x.shape[2:], mode="bilinear", align_corners=False))
    return torch.cat(parts, 1)


def _feature_pyramid(own: Any, x: Tensor) -> Tensor:
    """Each level's features and those above, upsampled."""
    low = own.a(x)
    high = own.b(low)
    return own.l(low) + F.interpolate(own.h(high), size=low.shape[-2:], mode="nearest")


def _flat(own: Any, x: Tensor) -> Tensor:
    x = F.max_pool2d(own.s(x), 2)
    x = torch.flatten(x, 1)
    y: Tensor = own.h(own.n(own.f(x)))
    return y


NETWORKS: Networks = {
    "padded with minus one": lambda: of_map(
        lambda o, x: o.c(o.p(x)), p=SignPadding(1, -1), c=conv(8, 8, padding=0)
    ),
    "padded on two sides": lambda: of_map(
        lambda o, x: o.c(F.pad(x, (0, 1, 0, 1))), c=conv(8, 8, 3, padding=0, stride=2)
    ),
    "reflected": lambda: of_map(
        lambda o, x: o.c(o.p(x)) + x, p=nn.ReflectionPad2d(1), c=conv(8, 8, padding=0)
    ),
    "replicated": lambda: of_map(
        lambda o, x: o.c(o.p(F.relu(x) - 1)),
        p=nn.ReplicationPad2d((2, 1, 0, 1)),
        c=conv(8, 8, padding=0),
    ),
    "a stem that reflects": lambda: of_map(
        lambda o, x: o.c(o.s(x)),
        s=nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"),
        c=conv(8, 8),
    ),
    "around a cylinder": lambda: of_map(
        lambda o, x: o.c(F.pad(F.pad(x, (1, 1, 0, 0), mode="circular"), (0, 0, 1, 1))),
        c=conv(8, 8, padding=0),
    ),
    "signs that replicate": lambda: of_map(
        lambda o, x: o.r(torch.where(o.c(x) < 0.5, -1.0, 1.0)),
        c=conv(8, 8),
        r=nn.Conv2d(8, 8, 3, padding=1, padding_mode="replicate", groups=2),
    ),
    "pooled in four ways": lambda: of_map(
        lambda o, x: (
            F.max_pool2d(o.c(x), 2)
            + F.avg_pool2d(x, 2)
            - F.adaptive_avg_pool2d(x, (4, 3)) * F.adaptive_max_pool2d(x, (1, 1))
        ),
        c=conv(8, 8),
    ),
    "pooled before the norm": lambda: of_map(
        lambda o, x: o.n(o.p(o.c(x))),
        c=BinaryConv2d(8, 8, 3, padding=1),
        p=nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
        n=nn.BatchNorm2d(8),
    ),
    "averages without the border": lambda: of_map(
        lambda o, x: o.c(o.p(x)) - x, p=nn.AvgPool2d(3, 1, 1, count_include_pad=False), c=conv(8, 8)
    ),
    "the largest of each map": lambda: of_map(
        lambda o, x: o.c(x) - torch.amax(x, dim=(-2, -1), keepdim=True), c=conv(8, 8)
    ),
    "pooled to a size that does not divide": lambda: of_map(
        lambda o, x: o.c(nn.AdaptiveAvgPool2d((5, 4))(x)), c=conv(8, 8)
    ),
    "means of rows and of columns": lambda: of_map(
        lambda o, x: o.c(x) * (x.mean(2, keepdim=True) + x.mean(3, keepdim=True)).sigmoid(),
        c=conv(8, 8),
    ),
    "upsampled and joined": lambda: of_map(
        lambda o, x: torch.cat((x, F.interpolate(o.c(F.max_pool2d(x, 2)), scale_factor=2)), 1),
        out=16,
        c=conv(8, 8),
    ),
    "bilinear": lambda: of_map(
        lambda o, x: x + o.u(o.c(F.max_pool2d(x, 2))),
        c=conv(8, 8),
        u=nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
    ),
    "bilinear to a size, then signs": lambda: of_map(
        lambda o, x: o.c(F.interpolate(x, size=(11, 7), mode="bilinear", align_corners=False)),
        c=conv(8, 8),
    ),
    "a pyramid of pools": lambda: of_map(
        _pyramid, out=17, layers=nn.ModuleList([conv(8, 3, 1) for _ in range(3)])
    ),
    "a pyramid of features": lambda: of_map(
        _feature_pyramid,
        a=conv(8, 6, stride=2),
        b=conv(6, 5, stride=2),
        l=nn.Conv2d(6, 8, 1),
        h=nn.Conv2d(5, 8, 1),
    ),
    "a U-Net": lambda: of_map(
        lambda o, x: o.d(torch.cat((x, o.u(o.c(F.max_pool2d(x, 2)))), 1)),
        c=conv(8, 8),
        u=nn.ConvTranspose2d(8, 8, 2, 2),
        d=conv(16, 8),
    ),
    "binary layers up again": lambda: of_map(
        lambda o, x: x + o.u(o.c(x)),
        c=conv(8, 8, stride=2),
        u=BinaryConvTranspose2d(8, 8, 4, 2, 1),
    ),
    "pixels into channels and back": lambda: of_map(
        lambda o, x: F.pixel_shuffle(o.c(F.pixel_unshuffle(x, 2)), 2), c=conv(32, 32)
    ),
    "rows and columns exchanged": lambda: of_map(
        lambda o, x: o.c(x.transpose(2, 3)).transpose(2, 3) + x,
        c=BinaryConv2d(8, 8, (3, 1), padding=(1, 0)),
    ),
    "a map of constants": lambda: of_map(
        lambda o, x: o.c(x * torch.linspace(0.5, 2, 48).reshape(8, 6)), c=conv(8, 8)
    ),
    "halves of the image": lambda: of_map(
        lambda o, x: torch.cat((o.c(x[:, :, :4]), o.c(x[:, :, 4:])), dim=2), c=conv(8, 8)
    ),
    "flattened": lambda: Of(
        _flat, s=stem(4), f=BinaryLinear(48, 16), n=nn.BatchNorm1d(16), h=nn.Linear(16, 5)
    ),
    "dilated": lambda: of_map(
        lambda o, x: o.a(x) + o.b(x), a=conv(8, 8, padding=2, dilation=2), b=conv(8, 8, 1)
    ),
}
