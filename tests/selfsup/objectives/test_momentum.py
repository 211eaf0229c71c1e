"""The slow copy: its own memory, its update against NumPy, its bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from signbit.errors import InputError
from signbit.selfsup.objectives.momentum import momentum_copy, require_momentum, update_momentum


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).double()


def test_a_copy_is_equal_and_apart() -> None:
    leader = network()
    copy = momentum_copy(leader)
    assert all(parameter.requires_grad for parameter in leader.parameters())
    assert not any(parameter.requires_grad for parameter in copy.parameters())
    for (name, ours), theirs in zip(
        copy.state_dict().items(), leader.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name
        assert ours.data_ptr() != theirs.data_ptr()


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.999, 1.0])
def test_parameters_follow_and_buffers_do_not(momentum: float) -> None:
    leader = network()
    copy = momentum_copy(leader)
    expected = [parameter.numpy().copy() for parameter in copy.parameters()]
    for _ in range(3):
        with torch.no_grad():
            for parameter in leader.parameters():
                parameter.add_(torch.randn_like(parameter))
        leader[1].running_mean += 1
        before = [parameter.detach().numpy().copy() for parameter in leader.parameters()]
        expected = [
            momentum * old + (1 - momentum) * new for old, new in zip(expected, before, strict=True)
        ]
        update_momentum(copy, leader, momentum)
        for ours, value, theirs, old in zip(
            copy.parameters(), expected, leader.parameters(), before, strict=True
        ):
            np.testing.assert_allclose(ours, value, rtol=1e-12, atol=1e-15)
            np.testing.assert_array_equal(theirs.detach(), old)
    assert copy[1].running_mean.abs().max() == 0


@pytest.mark.parametrize("momentum", [-0.1, 1.1, float("nan")])
def test_no_share_is_refused(momentum: float) -> None:
    with pytest.raises(InputError, match="momentum must be in 0 … 1, got"):
        require_momentum(momentum)
