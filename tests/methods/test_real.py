"""Nothing is binarized; what its layers compute is in test_steps."""

import torch
from torch import nn

from signbit import methods


def test_weights_keep_the_layers_own_start():
    torch.manual_seed(3)
    method = methods.get("real")
    model = nn.Sequential(nn.Conv2d(3, 4, 3), method.conv2d(4, 4, 3), method.nonlinearity(4))
    before = [parameter.clone() for parameter in model.parameters()]
    method.initialise(model)
    for old, new in zip(before, model.parameters(), strict=True):
        assert torch.equal(old, new)
    assert isinstance(model[2], nn.ReLU)
    assert method.latent_limit is None
