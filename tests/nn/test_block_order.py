"""Both orders of a residual block, and the widths of their normalisations."""

import pytest
import torch
from torch import nn

from signbit import methods, models
from signbit.nn.block_order import CONV_FIRST, NORM_FIRST


@pytest.mark.parametrize(("order", "width"), [(CONV_FIRST, 6), (NORM_FIRST, 4)])
def test_what_is_computed(order, width):
    norm = order.norm(4, 6)
    assert norm.num_features == width
    norm.weight.data.uniform_(0.5, 2)
    norm.bias.data.normal_()
    conv, nonlinearity = nn.Conv2d(4, 6, 3, padding=1), nn.Hardtanh()
    x, shortcut = torch.randn(3, 4, 5, 5), torch.randn(3, 6, 5, 5)

    def normalised(v):
        mean, variance = v.mean((0, 2, 3)), v.var((0, 2, 3), correction=0)
        spread = [t.reshape(-1, 1, 1) for t in (mean, variance, norm.weight, norm.bias)]
        return (v - spread[0]) / (spread[1] + norm.eps).sqrt() * spread[2] + spread[3]

    y = normalised(conv(x)) if order is CONV_FIRST else conv(normalised(x))
    result = order.apply(conv, norm, nonlinearity, x, shortcut)
    torch.testing.assert_close(result, (y + shortcut).clamp(-1, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["resnet20", "resnet18", "resnet18-cifar"])
def test_xnor_normalises_what_a_sign_sees(architecture):
    model = models.build(architecture, methods.get("xnor"), classes=10, channels=3)
    units = [m for m in model.modules() if type(m).__name__ == "ResidualUnit"]
    assert len(units) in (16, 18)
    for unit in units:
        assert unit.norm.num_features == unit.conv.in_channels
    seen = []
    hooks = [
        unit.conv.register_forward_pre_hook(lambda _, args: seen.append(args[0].mean((0, 2, 3))))
        for unit in units
    ]
    model(torch.randn(4, 3, 32, 32))
    assert len(seen) == len(hooks)
    assert all(mean.abs().max() < 1e-4 for mean in seen)
