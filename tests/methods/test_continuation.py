"""Saving, loading into a new network and training on gives the numbers of an unbroken run."""

import copy

import pytest
import torch

from signbit import methods, models

EPOCHS, STEPS = 4, 2


def start(name, binarize, seed):
    torch.manual_seed(seed)
    method = methods.get(name, binarize=binarize)
    model = models.build("digits", method, classes=10, channels=1)
    return method, model, torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)


def train(method, model, optimiser, epochs):
    for epoch in epochs:
        method.on_epoch(model, epoch, EPOCHS)
        for step in range(STEPS):
            generator = torch.Generator().manual_seed(10 * epoch + step)
            images = torch.randn(8, 1, 8, 8, generator=generator)
            labels = torch.randint(10, (8,), generator=generator)
            loss = torch.nn.functional.cross_entropy(model(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            method.after_step(model)


@pytest.mark.slow
@pytest.mark.parametrize("binarize", ["both", "activations", "weights"])
@pytest.mark.parametrize("name", methods.names())
def test_a_continued_training_equals_an_unbroken_one(name, binarize):
    whole = start(name, binarize, seed=1)
    train(*whole, range(2))
    state = copy.deepcopy([part.state_dict() for part in whole[1:]])
    train(*whole, range(2, EPOCHS))

    method, model, optimiser = start(name, binarize, seed=2)
    model.load_state_dict(state[0])
    optimiser.load_state_dict(state[1])
    train(method, model, optimiser, range(2, EPOCHS))
    moved = False
    for key, value in whole[1].state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key
        moved |= not torch.equal(value, state[0][key])
    assert moved


@pytest.mark.parametrize("name", methods.names())
def test_every_parameter_learns(name):
    for binarize in ("both", "activations", "weights"):
        method, model, optimiser = start(name, binarize, seed=3)
        before = {key: p.detach().clone() for key, p in model.named_parameters()}
        train(method, model, optimiser, range(2))
        still = [key for key, p in model.named_parameters() if torch.equal(p, before[key])]
        assert not still, (binarize, still)
