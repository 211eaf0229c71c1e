"""XNOR-Net's K and its gradient against PyTorch's operations."""

from __future__ import annotations

import pytest
import torch

from signbit.fast.window_means import window_means


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 3, 16])
@pytest.mark.parametrize(
    ("kernel", "geometry"),
    [
        ((3, 3), ((1, 1), (1, 1), (1, 1))),
        ((3, 2), ((2, 3), (1, 0), (1, 1))),
        ((1, 1), ((2, 2), (0, 0), (1, 1))),
        ((3, 3), ((1, 1), (2, 2), (1, 1))),  # more padding than a pool may have
        ((3, 3), ((1, 2), (1, 1), (2, 1))),
    ],
)
def test_the_means_are_the_same_and_so_are_gradients(
    kernel: tuple[int, int], geometry: tuple, channels: int, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, channels, 7, 6).contiguous(memory_format=layout)
    x[0, 0, 0, :3] = torch.tensor([0.0, -0.0, 1e-30])
    found = []
    for native in (True, False):
        leaf = x.clone().requires_grad_()
        if native:
            y = window_means(leaf, kernel, geometry)
        else:
            box = torch.full((1, 1, *kernel), 1 / (kernel[0] * kernel[1]))
            means = leaf.abs().mean(1, keepdim=True)
            y = torch.nn.functional.conv2d(means, box, None, *geometry)
        (first,) = torch.autograd.grad(y.pow(3).sum(), leaf, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), leaf)
        (plain,) = torch.autograd.grad(window_means(leaf, kernel, geometry).pow(3).sum(), leaf)
        torch.testing.assert_close(plain, first, rtol=1e-5, atol=1e-6)
        found.append([y.detach(), first.detach(), second])
    assert torch.equal(found[0][0], found[1][0])
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
