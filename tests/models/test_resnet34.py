"""ResNet-34: ResNet-18's units, more of them."""

import torch

from signbit import methods, models
from signbit.nn.layers import BinaryConv2d


def test_size_and_layers():
    model = models.build("resnet34", methods.get("bireal"), classes=1000, channels=3)
    convs = [m for m in model.modules() if isinstance(m, BinaryConv2d)]
    assert len(convs) == 32
    # 9·(6·64² + 64·128 + 7·128² + 128·256 + 11·256² + 256·512 + 5·512²)
    assert sum(c.weight.numel() for c in convs) == 21_086_208
    # He's ResNet-34 has as many parameters, in the same places.
    assert sum(p.numel() for p in model.parameters()) == 21_797_672


def test_stages_halve_the_image():
    model = models.build("resnet34", methods.get("bireal"), classes=5, channels=3).eval()
    with torch.no_grad():
        x = model.stem(torch.zeros(1, 3, 224, 224))
        shapes = []
        for unit in model.stages:
            x = unit(x)
            shapes.append(tuple(x.shape[1:3]))
    sizes = [(64, 56)] * 6 + [(128, 28)] * 8 + [(256, 14)] * 12 + [(512, 7)] * 6
    assert shapes == sizes
