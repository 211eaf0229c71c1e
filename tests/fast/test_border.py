"""What an input's offset adds, against PyTorch's convolution of ones."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from signbit.fast.border import convolved_ones, ones_gradient


@pytest.mark.parametrize("out", [1, 3, 65])
@pytest.mark.parametrize(
    ("kernel", "size", "geometry"),
    [
        ((3, 3), (32, 32), ((1, 1), (1, 1), (1, 1))),
        ((1, 1), (1, 1), ((1, 1), (0, 0), (1, 1))),
        ((3, 2), (7, 6), ((2, 3), (1, 0), (1, 1))),
        ((3, 5), (9, 11), ((1, 2), (4, 3), (2, 3))),
        ((3, 3), (1, 5), ((1, 1), (3, 2), (1, 2))),  # some pixels see nothing of the image
    ],
)
def test_a_convolution_of_ones_and_its_gradient_are_pytorchs(
    out: int, kernel: tuple[int, int], size: tuple[int, int], geometry: tuple
) -> None:
    torch.manual_seed(0)
    weight = torch.randint(-500, 500, (out, 1, *kernel)).double().requires_grad_()
    expected = F.conv2d(torch.ones(1, 1, *size).double(), weight, None, *geometry)
    single = weight.detach().float()
    assert torch.equal(convolved_ones(single, size, geometry), expected.detach().float())
    grad = torch.randn(expected.shape)
    expected.backward(grad.double())
    assert weight.grad is not None
    found = ones_gradient(grad, single, size, geometry)
    torch.testing.assert_close(found, weight.grad.float(), rtol=1e-6, atol=1e-6)
