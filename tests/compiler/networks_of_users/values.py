"""Activations, clips, sums and differences, normalisations, and signs as values."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from tests.compiler.networks_of_users.building import Networks, Numbers, Of, conv, of_map, stem
from torch import Tensor, nn

from signbit.nn import (
    BinaryConv2d,
    BinaryLinear,
    Maxout,
    MultiBitActivation,
    RPReLU,
    Threshold,
)

__all__ = ["NETWORKS"]


class SwitchedBlock(nn.Module):
    """A residual block as many are written, whose layers depend on what it is told."""

    def __init__(self, channels: int, act: str, norm: Any) -> None:
        super().__init__()
        self.norm = norm(channels)
        self.conv = BinaryConv2d(channels, channels, 3, padding=1)
        self.after = nn.BatchNorm2d(channels)
        self.act = {"leaky": nn.LeakyReLU(0.1), "hard": nn.Hardswish(), "none": nn.Identity()}[act]

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        out = self.norm(x)
        out = self.after(self.conv(out))
        out += identity
        y: Tensor = self.act(out)
        return y


def _switched(act: str, norm: Any) -> nn.Module:
    return of_map(lambda o, x: o.b(o.a(x)), a=SwitchedBlock(8, act, norm), b=conv(8, 8))


def _instances(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=True)


def _groups(channels: int) -> nn.Module:
    return nn.GroupNorm(2, channels)


def _outputs(own: Any, x: Tensor) -> dict[str, Tensor]:
    x = own.stem(x)
    deep = own.c(x)
    return {"logits": own.h(deep.mean((2, 3))), "early": own.e(x.amax((2, 3))), "map": deep.tanh()}


def _boxes(own: Any, x: Tensor) -> tuple[Tensor, ...]:
    """A detector's: centres, sizes and classes of each place."""
    y = own.h(own.c(own.stem(x)))
    return torch.sigmoid(y[:, :2]), F.relu(y[:, 2:4]), y[:, 4:].softmax(1)


NETWORKS: Networks = {
    "clips": lambda: of_map(
        lambda o, x: o.c(x.clamp(-1, 1)).clip(max=3) + F.relu6(x), c=conv(8, 8)
    ),
    "smooth activations": lambda: of_map(
        lambda o, x: F.silu(o.c(F.hardswish(x))) * torch.tanh(x), c=conv(8, 8)
    ),
    "swish by hand": lambda: of_map(
        lambda o, x: o.c(x * torch.sigmoid(x)) + x * F.relu6(x + 3) / 6, c=conv(8, 8)
    ),
    "GELU": lambda: of_map(lambda o, x: x + o.g(o.c(x)), c=conv(8, 8), g=nn.GELU()),
    "leaky": lambda: _switched("leaky", nn.BatchNorm2d),
    "PReLU of one slope": lambda: of_map(
        lambda o, x: o.p(o.c(x)) + o.p(x), c=conv(8, 8), p=nn.PReLU()
    ),
    "RPReLU and Maxout": lambda: of_map(
        lambda o, x: o.m(o.c(o.r(x) + x)), c=conv(8, 8), r=RPReLU(8), m=Maxout(8)
    ),
    "differences": lambda: of_map(lambda o, x: 1 - (o.c(x) - x) - o.c(-x), c=conv(8, 8)),
    "a mixture": lambda: of_map(
        lambda o, x: torch.sigmoid(o.g.a) * o.c(x) + (1 - torch.sigmoid(o.g.a)) * x,
        c=conv(8, 8),
        g=Numbers(a=torch.linspace(-1, 1, 8)[:, None, None]),
    ),
    "a mean of two": lambda: of_map(lambda o, x: (o.c(x) + x) / 2 - 0.1, c=conv(8, 8)),
    "squares": lambda: of_map(lambda o, x: o.c(x - x.mean((2, 3), True)) ** 2 - x, c=conv(8, 8)),
    "thirds of a sum": lambda: of_map(
        lambda o, x: sum(layer(x) for layer in o.layers) / 3,
        layers=nn.ModuleList([conv(8, 8, k) for k in (1, 3, 5)]),
    ),
    "features normalised one by one": lambda: Of(
        lambda o, x: o.h(o.n(o.s(x).amax((2, 3)))),
        s=stem(8),
        n=nn.BatchNorm1d(8),
        h=BinaryLinear(8, 5),
    ),
    "features between binary layers": lambda: Of(
        lambda o, x: o.h(o.b(F.hardtanh(o.n(o.a(o.s(x).flatten(1)))))),
        s=nn.Sequential(stem(4), nn.MaxPool2d(2)),
        a=BinaryLinear(48, 9),
        n=nn.BatchNorm1d(9, affine=False),
        b=BinaryLinear(9, 7),
        h=nn.BatchNorm1d(7),
    ),
    "instances": lambda: _switched("none", _instances),
    "groups": lambda: _switched("hard", _groups),
    "groups behind": lambda: of_map(
        lambda o, x: F.relu(o.n(o.c(x))) + x,
        c=BinaryConv2d(8, 8, 3, padding=1),
        n=nn.GroupNorm(4, 8),
    ),
    "all of a map normalised": lambda: of_map(
        lambda o, x: o.c(o.n(x)), n=nn.LayerNorm([8, 8, 6]), c=conv(8, 8)
    ),
    "a batch-norm alone": lambda: of_map(
        lambda o, x: F.batch_norm(o.c(x), o.s.mean, o.s.variance, eps=1e-3),
        c=BinaryConv2d(8, 8, 3, padding=1),
        s=Numbers(mean=torch.linspace(-9, 9, 8), variance=torch.linspace(1, 90, 8)),
    ),
    "lengths of one": lambda: of_map(lambda o, x: 4 * F.normalize(o.c(x), dim=1) + x, c=conv(8, 8)),
    "signs as reals": lambda: of_map(
        lambda o, x: 0.5 * o.t(o.c(x)) + x, c=conv(8, 8), t=Threshold(0.25)
    ),
    "signs that are averaged": lambda: of_map(
        lambda o, x: F.avg_pool2d(torch.where(o.c(x) >= 0, 1.0, -1.0), 2), c=conv(8, 8)
    ),
    "a mask": lambda: of_map(lambda o, x: x * (o.c(x) > 0.5).float(), c=conv(8, 8)),
    "whole thresholds": lambda: of_map(
        lambda o, x: o.d(o.t(o.c(x))),
        c=BinaryConv2d(8, 8, 3),
        t=Threshold(range(-4, 4), [True] * 4 + [False] * 4),
        d=conv(8, 8),
    ),
    "two bits": lambda: of_map(
        lambda o, x: o.c(x) + x, c=conv(8, 8, activation_binarizer=MultiBitActivation(2))
    ),
    "three outputs": lambda: Of(
        _outputs, stem=stem(8), c=conv(8, 6), h=nn.Linear(6, 5), e=nn.Linear(8, 5)
    ),
    "boxes": lambda: Of(_boxes, stem=stem(8), c=conv(8, 8, stride=2), h=nn.Conv2d(8, 9, 1)),
}
