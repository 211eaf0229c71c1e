"""ResNet-20: its size, its shortcut, and what one unit computes."""

import pytest
import torch

from signbit import methods, models
from signbit.models.resnet20 import ResidualUnit, SubsampleShortcut
from signbit.nn.layers import BinaryConv2d


def test_size_and_layers():
    model = models.build("resnet20", methods.get("bnn"), classes=10, channels=3)
    convs = [m for m in model.modules() if isinstance(m, BinaryConv2d)]
    assert len(convs) == 18
    # 6·16·16·9 + 16·32·9 + 5·32·32·9 + 32·64·9 + 5·64·64·9
    assert sum(c.weight.numel() for c in convs) == 267_264
    # + stem 432, normalisations 2·(16·7 + 32·6 + 64·6 + 64), classifier 650
    assert sum(p.numel() for p in model.parameters()) == 267_264 + 432 + 1_504 + 650
    assert model.stage3(model.stage2(model.stage1(torch.zeros(2, 16, 32, 32)))).shape == (
        2,
        64,
        8,
        8,
    )


@pytest.mark.parametrize("times", [2, 3, 4])
def test_wider_ones_are_the_same_network_with_that_many_times_the_channels(times: int) -> None:
    model = models.build(f"resnet20-x{times}", methods.get("bnn"), classes=10, channels=3)
    width = 16 * times
    binary = sum(m.weight.numel() for m in model.modules() if isinstance(m, BinaryConv2d))
    assert binary == 267_264 * times**2
    rest = 27 * width + 2 * (width * 7 + 2 * width * 6 + 4 * width * 6 + 4 * width)
    assert sum(p.numel() for p in model.parameters()) == binary + rest + 40 * width + 10
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize(("height", "width"), [(4, 4), (5, 7)])
def test_strided_shortcut_subsamples_and_pads_channels_on_both_sides(height, width):
    x = torch.randn(2, 16, height, width, generator=torch.Generator().manual_seed(0))
    y = SubsampleShortcut(2, 16)(x)
    assert y.shape == (2, 32, (height + 1) // 2, (width + 1) // 2)
    assert torch.count_nonzero(y[:, :8]) == torch.count_nonzero(y[:, 24:]) == 0
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            assert torch.equal(y[:, 8:24, i, j], x[:, :, 2 * i, 2 * j])


def test_unit_adds_the_shortcut_after_normalisation_and_before_the_nonlinearity():
    torch.manual_seed(0)
    unit = ResidualUnit(methods.get("bnn"), 16, 32, stride=2).eval()
    unit.norm.running_mean.normal_()
    unit.norm.weight.data.uniform_(0.01, 0.1)
    x = torch.randn(2, 16, 6, 6)
    expected = (unit.norm(unit.conv(x)) + unit.shortcut(x)).clamp(-1, 1)
    assert torch.equal(unit(x), expected)
    same = ResidualUnit(methods.get("bnn"), 16, 16, stride=1)
    assert same.shortcut(x) is x
