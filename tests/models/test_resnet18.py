"""ResNet-18's two forms: their sizes, their shortcuts, and what one unit computes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from signbit import methods, models
from signbit.models.resnet18 import ResidualUnit, averaged_shortcut, strided_shortcut
from signbit.nn.layers import BinaryConv2d

# 9·(4·64·64 + 64·128 + 3·128·128 + 128·256 + 3·256·256 + 256·512 + 3·512·512)
BINARY_WEIGHTS = 10_985_472
# 1×1 shortcuts and their normalisations, then the normalisations of the units
SHORTCUTS = 64 * 128 + 128 * 256 + 256 * 512 + 2 * (128 + 256 + 512)
NORMS = 2 * 4 * (64 + 128 + 256 + 512)


def build(architecture, method="bireal"):
    return models.build(architecture, methods.get(method), classes=10, channels=3)


@pytest.mark.parametrize(
    ("architecture", "stem", "head"),
    [("resnet18", 49 * 3 * 64, 0), ("resnet18-cifar", 9 * 3 * 64, 2 * 512)],
)
def test_size_and_layers(architecture, stem, head):
    model = build(architecture)
    convs = [m for m in model.modules() if isinstance(m, BinaryConv2d)]
    assert len(convs) == 16
    assert sum(c.weight.numel() for c in convs) == BINARY_WEIGHTS
    others = stem + 2 * 64 + SHORTCUTS + NORMS + head + 512 * 10 + 10
    assert sum(p.numel() for p in model.parameters()) == BINARY_WEIGHTS + others


@pytest.mark.parametrize(
    ("architecture", "sizes"), [("resnet18", (56, 28, 14, 7)), ("resnet18-cifar", (32, 16, 8, 4))]
)
def test_every_convolution_has_a_shortcut_and_stages_halve_the_image(architecture, sizes):
    model = build(architecture).eval()
    units = list(model.stages)
    assert all(isinstance(unit, ResidualUnit) for unit in units)
    assert len(units) == 16
    with torch.no_grad():
        x = model.stem(torch.zeros(1, 3, *model.input_size))
        shapes = [tuple(x.shape[1:])]
        for unit in units:
            x = unit(x)
            shapes.append(tuple(x.shape[1:]))
    expected = [(64 << i, size, size) for i, size in enumerate(sizes) for _ in range(4)]
    assert shapes == [(64, sizes[0], sizes[0]), *expected]
    projected = [i for i, unit in enumerate(units) if not isinstance(unit.shortcut, nn.Identity)]
    assert projected == [4, 8, 12]


def test_stems():
    names = ("resnet18", "resnet18-cifar")
    parts = {name: [type(part) for part in build(name, "bnn").stem] for name in names}
    conv_norm = [nn.Conv2d, nn.BatchNorm2d, nn.Hardtanh]
    assert parts == {"resnet18": [*conv_norm, nn.MaxPool2d], "resnet18-cifar": conv_norm}


def test_shortcuts_that_halve():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 8)
    for shortcut, halved in [
        (averaged_shortcut(3, 5), F.avg_pool2d(x, 2)),
        (strided_shortcut(3, 5), x[:, :, ::2, ::2]),
    ]:
        shortcut.eval()
        weight = next(p for p in shortcut.parameters() if p.dim() == 4)
        expected = torch.einsum("oi,nihw->nohw", weight.flatten(1), halved)
        # A new normalisation only divides by sqrt(1 + 1e-5).
        torch.testing.assert_close(shortcut(x), expected / (1 + 1e-5) ** 0.5)


@pytest.mark.parametrize("method", ["bnn", "bireal"])
def test_unit_adds_the_shortcut_after_normalisation_and_before_the_nonlinearity(method):
    torch.manual_seed(0)
    unit = ResidualUnit(methods.get(method), 16, 32, 2, averaged_shortcut(16, 32)).eval()
    unit.norm.running_mean.normal_()
    unit.norm.weight.data.uniform_(0.01, 0.1)
    x = torch.randn(2, 16, 6, 6)
    total = unit.norm(unit.conv(x)) + unit.shortcut(x)
    assert torch.equal(unit(x), total.clamp(-1, 1) if method == "bnn" else total)
