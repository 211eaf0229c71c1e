"""XNOR-Net's K, products with it and their gradients against PyTorch's operations."""

from __future__ import annotations

import pytest
import torch

from signbit.fast.window_means import times_map, with_window_means


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

    def loss(same: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
        return means.pow(3).sum() + same.sin().sum()

    found = []
    for native in (True, False):
        leaf = x.clone().requires_grad_()
        if native:
            same, y = with_window_means(leaf, kernel, geometry)
        else:
            box = torch.full((1, 1, *kernel), 1 / (kernel[0] * kernel[1]))
            means = leaf.abs().mean(1, keepdim=True)
            same, y = leaf, torch.nn.functional.conv2d(means, box, None, *geometry)
        (first,) = torch.autograd.grad(loss(same, y), leaf, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), leaf)
        plain_loss = loss(*with_window_means(leaf, kernel, geometry))
        (plain,) = torch.autograd.grad(plain_loss, leaf)
        torch.testing.assert_close(plain, first, rtol=1e-5, atol=1e-6)
        found.append([y.detach(), first.detach(), second])
    assert torch.equal(found[0][0], found[1][0])
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(2, 1, 7, 6), (1, 3, 1, 1), (5, 16, 3, 2), (2, 65, 4, 1)])
def test_products_with_a_map_have_pytorch_s_gradients(
    shape: tuple[int, ...], layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    y = torch.randn(shape).contiguous(memory_format=layout)
    means = torch.rand(shape[0], 1, *shape[2:])
    found = []
    for product, dtype in ((times_map, torch.float32), (torch.mul, torch.float64)):
        leaves = [each.to(dtype).requires_grad_() for each in (y, means)]
        result = product(*leaves)
        assert result.dtype == dtype
        plain = torch.autograd.grad(result.pow(3).sum(), leaves)
        first = torch.autograd.grad(product(*leaves).pow(3).sum(), leaves, create_graph=True)
        loss = sum(each.square().sum() for each in first)
        second = torch.autograd.grad(loss, leaves)
        found.append([result.detach(), *plain, *(each.detach() for each in first), *second])
    assert torch.equal(found[0][0], y * means)
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine.double(), theirs, rtol=1e-5, atol=1e-5)
