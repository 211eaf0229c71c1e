"""The native normalisation, its shortcut and clip against PyTorch's modules in float64."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from signbit.fast.batch_norm import batch_norm
from signbit.nn.blocks import normalised


@pytest.mark.parametrize("channels", [1, 3, 16, 65])
@pytest.mark.parametrize("far", [0, 1000])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_step_agrees_with_float64(
    channels: int, far: int, clip: bool, added: bool, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(channels, momentum=0.3)
    nn.init.uniform_(norm.weight, -1.5, 1.5)
    nn.init.normal_(norm.bias)
    double = copy.deepcopy(norm).double()
    x = (torch.randn(5, channels, 7, 9) + far).contiguous(memory_format=layout)
    shortcut, gradient = torch.randn(5, channels, 7, 9), torch.randn(5, channels, 7, 9)
    leaves = [x, shortcut] if added else [x]
    doubles = [leaf.double().requires_grad_() for leaf in leaves]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    y = batch_norm(x, norm, shortcut if added else None, clip)
    wanted = double(doubles[0]) + (doubles[1] if added else 0)
    wanted = wanted.clamp(-1, 1) if clip else wanted
    y.backward(gradient)
    wanted.backward(gradient.double())
    assert y.stride() == x.stride()
    pairs = [(y, wanted), *((a.grad, b.grad) for a, b in zip(leaves, doubles, strict=True))]
    for mine, theirs in zip(norm.parameters(), double.parameters(), strict=True):
        pairs.append((mine.grad, theirs.grad))
    pairs += zip(norm.buffers(), double.buffers(), strict=True)
    for mine, theirs in pairs:
        scale = float(theirs.detach().abs().max()) + 1
        torch.testing.assert_close(
            mine.double(), theirs.double(), rtol=0, atol=2e-6 * scale, check_stride=False
        )


def test_gradients_of_gradients_are_pytorch_s() -> None:
    torch.manual_seed(1)
    norm, x = nn.BatchNorm2d(5), torch.randn(3, 5, 4, 4, requires_grad=True)
    shortcut = torch.randn(3, 5, 4, 4, requires_grad=True)
    leaves = (x, shortcut, norm.weight, norm.bias)
    found = []
    for y in (batch_norm(x, norm, shortcut, True), (norm(x) + shortcut).clamp(-1, 1)):
        first = torch.autograd.grad(y.pow(3).sum(), leaves, create_graph=True)
        second = torch.autograd.grad(sum(each.square().sum() for each in first), leaves)
        found.append([*first, *second])
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_the_modules_do_what_the_op_does_not() -> None:
    """Evaluation, other memory, other types, other modules, hooks, a shortcut that broadcasts."""
    images = torch.randn(2, 4, 3, 3).contiguous(memory_format=torch.channels_last)
    hooked = nn.BatchNorm2d(4)
    hooked.register_forward_hook(lambda *_: None)
    norms = [nn.BatchNorm2d(4), nn.BatchNorm2d(4).eval(), nn.BatchNorm2d(4, affine=False), hooked]
    norms += [nn.BatchNorm2d(4, momentum=None), nn.InstanceNorm2d(4), nn.BatchNorm2d(4).double()]
    for number, norm in enumerate(norms):
        dtype = torch.float64 if number == 6 else torch.float32
        y = normalised(norm, nn.Identity(), images.to(dtype).requires_grad_())
        assert (type(y.grad_fn).__name__ == "_BatchNormBackward") == (number == 0)
    y = normalised(nn.BatchNorm2d(4), nn.Identity(), images, torch.randn(2, 1, 3, 3))
    assert type(y.grad_fn).__name__ == "AddBackward0"
    y = normalised(nn.BatchNorm2d(4), nn.Identity(), images.contiguous())
    assert type(y.grad_fn).__name__ == "NativeBatchNormBackward0"
