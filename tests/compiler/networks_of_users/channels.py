"""Gates, concatenations, parts and groups of channels, and constants for each of them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from tests.compiler.networks_of_users.building import Networks, conv, excite, of_map
from torch import Tensor, nn

from signbit.nn import BinaryConv2d, RPReLU

__all__ = ["NETWORKS"]


def _attended(own: Any, x: Tensor) -> Tensor:
    """Gates of channels, then of pixels, each by means and maxima."""
    both = own.s(F.adaptive_avg_pool2d(x, 1)) + own.s(F.adaptive_max_pool2d(x, 1))
    x = x * torch.sigmoid(both)
    plane = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), 1)
    return own.c(x) * torch.sigmoid(own.p(plane))


def _dense(own: Any, x: Tensor) -> Tensor:
    features = [x]
    for layer in own.layers:
        features.append(layer(torch.cat(features, dim=1)))
    return torch.cat(features, 1)


def _shuffled(own: Any, x: Tensor) -> Tensor:
    """Half of the channels stays; then the two halves' channels alternate."""
    left, right = x.chunk(2, dim=1)
    x = torch.cat((left, own.c(right)), dim=1)
    n, c, h, w = x.size()
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


def _inception(own: Any, x: Tensor) -> Tensor:
    pooled = F.max_pool2d(x, 3, stride=1, padding=1)
    return torch.cat([own.a(x), own.b(x), own.c(own.d(x)), own.e(pooled)], 1)


def _partial(own: Any, x: Tensor) -> Tensor:
    """Cross-stage: a part goes around, the other through two layers."""
    around, through = torch.split(x, [3, 5], dim=1)
    return torch.cat([own.c(through) + through, around], dim=1)


NETWORKS: Networks = {
    "squeeze and excite": lambda: of_map(
        lambda o, x: x + o.c(x) * o.s(x), c=conv(8, 8), s=excite(8)
    ),
    "squeeze and excite by linear layers": lambda: of_map(
        lambda o, x: o.c(x) * F.hardsigmoid(o.s(x.mean((2, 3))))[:, :, None, None],
        c=conv(8, 8),
        s=nn.Linear(8, 8),
    ),
    "squeeze and excite by a view": lambda: of_map(
        lambda o, x: (
            o.c(x) * o.s(F.adaptive_avg_pool2d(x, 1).view(x.size(0), -1)).view(x.size(0), 8, 1, 1)
        ),
        c=conv(8, 8),
        s=nn.Sequential(nn.Linear(8, 2), nn.ReLU(inplace=True), nn.Linear(2, 8), nn.Sigmoid()),
    ),
    "gates of channels and pixels": lambda: of_map(
        _attended,
        s=nn.Sequential(nn.Conv2d(8, 2, 1, bias=False), nn.ReLU(), nn.Conv2d(2, 8, 1, bias=False)),
        p=nn.Conv2d(2, 1, 7, padding=3, bias=False),
        c=conv(8, 8),
    ),
    "a gate that is expanded": lambda: of_map(
        lambda o, x: o.c(x) * o.s(x).expand_as(x) + x, c=conv(8, 8), s=excite(8)
    ),
    "a gate of neighbouring channels": lambda: of_map(
        lambda o, x: (
            x * o.g(x.mean((2, 3)).unsqueeze(1)).sigmoid().squeeze(1)[:, :, None, None] + o.c(x)
        ),
        g=nn.Conv1d(1, 1, 3, padding=1, bias=False),
        c=conv(8, 8),
    ),
    "dense connections": lambda: of_map(
        lambda o, x: torch.cat((x, o.c(x)), 1), out=12, c=conv(8, 4)
    ),
    "many dense connections": lambda: of_map(
        _dense, out=14, layers=nn.ModuleList([conv(8, 2), conv(10, 2), conv(12, 2)])
    ),
    "halves that go their own ways": lambda: of_map(
        lambda o, x: torch.cat((x[:, :4], o.c(x[:, 4:])), 1), c=conv(4, 4)
    ),
    "a part goes around": lambda: of_map(_partial, c=conv(5, 5)),
    "shuffled groups": lambda: of_map(
        lambda o, x: F.channel_shuffle(o.c(x), 2) + x, c=conv(8, 8, groups=2)
    ),
    "shuffled halves": lambda: of_map(_shuffled, c=conv(4, 4)),
    "an inception": lambda: of_map(
        _inception,
        out=12,
        a=conv(8, 2, 1),
        b=conv(8, 4),
        d=BinaryConv2d(8, 4, 1),
        c=conv(4, 3, 5),
        e=conv(8, 3, 1),
    ),
    "channels twice": lambda: of_map(
        lambda o, x: o.c(x) + x.repeat(1, 2, 1, 1), out=16, c=conv(8, 16)
    ),
    "a shortcut that is padded": lambda: of_map(
        lambda o, x: o.c(x) + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 4, 4)),
        out=16,
        c=conv(8, 16, stride=2),
    ),
    "a shortcut that is pooled": lambda: of_map(
        lambda o, x: F.relu(o.c(x) + o.s(x)),
        out=12,
        c=conv(8, 12, stride=2),
        s=nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(8, 12, 1, bias=False), nn.BatchNorm2d(12)),
    ),
    "depthwise and pointwise": lambda: of_map(
        lambda o, x: o.p(o.d(x)), out=10, d=conv(8, 8, groups=8), p=conv(8, 10, 1)
    ),
    "a bottleneck": lambda: of_map(
        lambda o, x: x + o.c(o.b(o.a(x))), a=conv(8, 3, 1), b=conv(3, 3), c=conv(3, 8, 1)
    ),
    "a factor for each channel": lambda: of_map(
        lambda o, x: x + o.c(x) * torch.linspace(-1, 2, 8).view(1, -1, 1, 1), c=conv(8, 8)
    ),
    "learned bias and slope": lambda: of_map(
        lambda o, x: o.c(o.r(x)) + x, c=BinaryConv2d(8, 8, 3, padding=1), r=RPReLU(8)
    ),
    "coordinates as channels": lambda: of_map(
        lambda o, x: o.c(
            torch.cat((x, torch.linspace(-1, 1, 6).expand(x.size(0), 1, 8, 6)), dim=1)
        ),
        c=conv(9, 8),
    ),
}
