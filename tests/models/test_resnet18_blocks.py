"""One shortcut around two convolutions: sizes, places, and what a block computes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from signbit import methods, models
from signbit.models.resnet18_blocks import Block
from signbit.nn.layers import BinaryConv2d


def test_it_has_the_parameters_of_the_other_resnet18() -> None:
    one, other = (
        models.build(name, methods.get("sdbnn"), classes=10, channels=3)
        for name in ("resnet18-cifar-blocks", "resnet18-cifar")
    )
    assert sum(p.numel() for p in one.parameters()) == sum(p.numel() for p in other.parameters())
    assert len([m for m in one.modules() if isinstance(m, BinaryConv2d)]) == 16


def test_blocks_halve_the_image_where_the_width_doubles() -> None:
    model = models.build("resnet18-cifar-blocks", methods.get("bnn"), classes=10, channels=3).eval()
    with torch.no_grad():
        x = model.stem(torch.zeros(1, 3, 32, 32))
        shapes = []
        for block in model.stages:
            x = block(x)
            shapes.append(tuple(x.shape[1:]))
    sizes = ((64, 32), (128, 16), (256, 8), (512, 4))
    assert shapes == [(width, size, size) for width, size in sizes for _ in range(2)]
    projected = [i for i, b in enumerate(model.stages) if not isinstance(b.shortcut, nn.Identity)]
    assert projected == [2, 4, 6]


@pytest.mark.parametrize(("channels", "stride"), [(16, 1), (32, 2)])
def test_a_block_adds_its_input_once(channels: int, stride: int) -> None:
    torch.manual_seed(0)
    block = Block(methods.get("bnn"), 16, channels, stride).eval()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
            nn.init.uniform_(module.running_var, 50.0, 200.0)

    def signs(x: torch.Tensor) -> torch.Tensor:
        return torch.where(x < 0, -1.0, 1.0)

    def norm(x: torch.Tensor, module: nn.Module) -> torch.Tensor:
        assert isinstance(module, nn.BatchNorm2d)
        return F.batch_norm(
            x, module.running_mean, module.running_var, module.weight, module.bias, eps=module.eps
        )

    x = torch.randn(2, 16, 8, 8)
    conv, between, _ = block.first
    hidden = F.conv2d(signs(x), signs(conv.weight), stride=stride, padding=1)
    hidden = norm(hidden, between).clamp(-1, 1)
    result = norm(F.conv2d(signs(hidden), signs(block.conv.weight), padding=1), block.norm)
    expected = (result + block.shortcut(x)).clamp(-1, 1)
    torch.testing.assert_close(block(x), expected)
    if stride == 1:
        assert isinstance(block.shortcut, nn.Identity)
