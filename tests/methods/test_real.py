"""Nothing is binarized: its layers are PyTorch's own."""

import torch
import torch.nn.functional as F
from torch import nn

from signbit import methods


def test_its_layers_compute_what_pytorch_s_do():
    method = methods.get("real")
    x = torch.randn(2, 6, 5, 5, requires_grad=True)
    conv, linear = method.conv2d(6, 8, 3, stride=2, padding=1), method.linear(6, 4)
    y = conv(x)
    assert torch.equal(y, F.conv2d(x, conv.weight, stride=2, padding=1))
    y.square().sum().backward()
    expected = torch.autograd.grad(
        F.conv2d(x, conv.weight, stride=2, padding=1).square().sum(), (x, conv.weight)
    )
    assert x.grad is not None
    torch.testing.assert_close(x.grad, expected[0])
    torch.testing.assert_close(conv.weight.grad, expected[1])
    v = torch.randn(3, 6)
    assert torch.equal(linear(v), F.linear(v, linear.weight))
    assert isinstance(method.nonlinearity(8), nn.ReLU)


def test_weights_keep_the_layers_own_start():
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), methods.get("real").conv2d(4, 4, 3))
    before = [parameter.clone() for parameter in model.parameters()]
    methods.get("real").initialise(model)
    for old, new in zip(before, model.parameters(), strict=True):
        assert torch.equal(old, new)
