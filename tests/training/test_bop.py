"""Bop against NumPy in float64; training with it is in test_supervised."""

import numpy as np
import pytest
import torch
from torch import nn

from signbit.training.bop import Bop, SideBySide


def test_flips_are_those_of_the_algorithm() -> None:
    random = np.random.default_rng(0)
    rate, threshold = 0.2, 0.05
    signs = np.where(random.random(200) < 0.5, -1.0, 1.0)
    # Latent weights of any size: it is their signs that count.
    weight = nn.Parameter(torch.tensor(signs * random.uniform(0.1, 3, 200)))
    optimizer = Bop([weight], rate, threshold)
    average, flips = np.zeros(200), 0
    for _ in range(30):
        gradient = random.normal(0, 0.2, 200)
        average = (1 - rate) * average + rate * gradient
        flipped = (np.abs(average) >= threshold) & (np.sign(average) == np.sign(signs))
        signs = np.where(flipped, -signs, signs)
        flips += int(flipped.sum())
        weight.grad = torch.tensor(gradient)
        optimizer.step()
        np.testing.assert_array_equal(weight.detach().numpy(), signs)
    assert 200 < flips < 2000


def test_zero_counts_as_plus_one_and_a_weight_without_gradient_stays() -> None:
    weight = nn.Parameter(torch.tensor([0.0, -0.0, -2.0]))
    alone = nn.Parameter(torch.tensor([0.3]))
    optimizer = Bop([weight, alone], 1.0, 0.5)
    weight.grad = torch.zeros(3)
    optimizer.step()
    assert weight.tolist() == [1.0, 1.0, -1.0]
    assert alone.tolist() == pytest.approx([0.3])
    weight.grad = torch.tensor([0.5, 0.4, 0.6])
    optimizer.step()
    # At the threshold it flips, below not, and a gradient against the sign keeps it.
    assert weight.tolist() == [-1.0, 1.0, -1.0]


def pair() -> tuple[list[nn.Parameter], SideBySide]:
    torch.manual_seed(0)
    one, two = (nn.Parameter(torch.randn(8)) for _ in range(2))
    adam = torch.optim.Adam([{"params": [one]}], lr=0.1)
    return [one, two], SideBySide(adam, Bop([two], 0.3, 0.1))


def steps(parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer, *numbers: int) -> None:
    for number in numbers:
        optimizer.zero_grad()
        generator = torch.Generator().manual_seed(number)
        for parameter in parameters:
            parameter.grad = torch.randn(8, generator=generator)
        optimizer.step()


def test_side_by_side_each_moves_its_own() -> None:
    parameters, optimizer = pair()
    steps(parameters, optimizer, 1, 2)
    one, two = pair()[0]
    adam, bop = torch.optim.Adam([one], lr=0.1), Bop([two], 0.3, 0.1)
    for number in (1, 2):
        steps([one, two], adam, number)
        bop.step()
    assert torch.equal(parameters[0], one)
    assert torch.equal(parameters[1], two)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.3]


def test_rates_set_on_the_whole_reach_the_parts() -> None:
    parameters, optimizer = pair()
    before = parameters[0].detach().clone()
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    steps(parameters, optimizer, 1)
    assert torch.equal(parameters[0], before)
    assert float(optimizer.state[parameters[1]]["average"].abs().max()) == 0


def test_a_stored_state_goes_on() -> None:
    parameters, optimizer = pair()
    steps(parameters, optimizer, 1, 2, 3, 4)
    others, other = pair()
    steps(others, other, 1, 2)
    state = other.state_dict()
    assert sorted(state["state"]) == [0, 1]
    again, third = pair()
    with torch.no_grad():
        for parameter, value in zip(again, others, strict=True):
            parameter.copy_(value)
    third.load_state_dict(state)
    steps(again, third, 3, 4)
    for ours, theirs in zip(again, parameters, strict=True):
        assert torch.equal(ours, theirs)
