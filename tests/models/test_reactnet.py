"""ReActNet's networks: their sizes, their shortcuts, and what a doubling block computes."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from signbit import methods, models
from signbit.models.reactnet import Repeat
from signbit.models.resnet18 import ResidualUnit
from signbit.nn.layers import BinaryConv2d

WIDTHS = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]


def build(architecture, method="bireal"):
    torch.manual_seed(0)
    return models.build(architecture, methods.get(method), classes=10, channels=3)


def test_reactnet_a_has_the_published_layers():
    model = build("reactnet-a")
    convs = [m for m in model.modules() if isinstance(m, BinaryConv2d)]
    assert [c.kernel_size for c in convs] == [(3, 3), (1, 1)] * 13
    for conv, before in zip(convs[::2], WIDTHS[:-1], strict=True):
        assert (conv.in_channels, conv.out_channels) == (before, before)
    for conv, before, after in zip(convs[1::2], WIDTHS[:-1], WIDTHS[1:], strict=True):
        assert (conv.in_channels, conv.out_channels) == (before, after)
    # Three parameters per channel would be ReActNet's own (RSign, RPReLU); here weights alone.
    binary = sum(9 * a * a + a * b for a, b in pairwise(WIDTHS))
    assert sum(c.weight.numel() for c in convs) == binary == 28_253_184
    norms = 2 * (32 + sum(a + b for a, b in pairwise(WIDTHS)))
    total = binary + norms + 27 * 32 + 1024 * 10 + 10
    assert sum(p.numel() for p in model.parameters()) == total


def test_reactnet_a_halves_the_image_where_it_doubles_the_width():
    model = build("reactnet-a").eval()
    with torch.no_grad():
        x = model.stem(torch.zeros(1, 3, 224, 224))
        shapes = [tuple(x.shape[1:3])]
        for unit in model.units:
            x = unit(x)
            shapes.append(tuple(x.shape[1:3]))
        assert model.classifier(x.mean((2, 3))).shape == (1, 10)
    sides = [112, 112, 56, 56, 28, 28, *[14] * 6, 7, 7]
    assert shapes[::2] == list(zip(WIDTHS, sides, strict=True))
    # The 3×3 convolution halves, the 1×1 convolution doubles.
    assert shapes[1::2] == list(zip(WIDTHS[:-1], sides[1:], strict=True))


def test_a_doubling_unit_is_the_published_pair_of_convolutions():
    """Two 1×1 convolutions of the same signs, each with its BN and the same shortcut, stacked."""
    method = methods.get("bireal")
    torch.manual_seed(1)
    unit = ResidualUnit(method, 8, 16, 1, Repeat(), kernel_size=1)
    norms = [nn.BatchNorm2d(8), nn.BatchNorm2d(8)]
    with torch.no_grad():
        unit.conv.weight.uniform_(-1, 1)
        unit.norm.weight.normal_()
        unit.norm.bias.normal_()
        for index, norm in enumerate(norms):
            part = slice(8 * index, 8 * index + 8)
            norm.weight.copy_(unit.norm.weight[part])
            norm.bias.copy_(unit.norm.bias[part])
    x = torch.randn(4, 8, 5, 5)
    signs = torch.where(x < 0, -1.0, 1.0)
    parts = []
    for norm, weight in zip(norms, unit.conv.weight.detach().split(8), strict=True):
        scale = weight.abs().mean((1, 2, 3), keepdim=True)
        parts.append(norm(F.conv2d(signs, torch.where(weight < 0, -scale, scale))) + x)
    torch.testing.assert_close(unit(x), torch.cat(parts, 1), rtol=1e-4, atol=1e-4)
    running = torch.cat([norm.running_mean for norm in norms])
    torch.testing.assert_close(unit.norm.running_mean, running, rtol=1e-4, atol=1e-5)


def test_reactnet_a_of_its_own_method():
    """29.3 million parameters in the paper; its stem has no non-linearity."""
    model = models.build("reactnet-a", methods.get("reactnet"), classes=1000, channels=3)
    channels = sum(a + b for a, b in pairwise(WIDTHS))
    # Behind every convolution BN (2) and RPReLU (3), before it RSign (1).
    signs = sum(2 * a for a in WIDTHS[:-1])
    expected = 28_253_184 + 27 * 32 + 2 * 32 + 5 * channels + signs + 1024 * 1000 + 1000
    assert sum(p.numel() for p in model.parameters()) == expected
    assert round(expected / 1e6, 1) == 29.3
    assert isinstance(model.stem[2], nn.Identity)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["reactnet", "sdbnn"])
def test_every_parameter_learns(method):
    model = build("reactnet-a", method)
    loss = F.cross_entropy(model(torch.randn(4, 3, 64, 64)), torch.arange(4))
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
