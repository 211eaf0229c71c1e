"""The digits network reaches its accuracy on held-out digits in a few epochs."""

import pytest
import torch
from tests.thorough import sample

from signbit import methods, models

datasets = pytest.importorskip("sklearn.datasets")


@pytest.mark.slow
@pytest.mark.parametrize("name", sample(methods.names(), "adabin", "irnet", "sdbnn"))
def test_learns_the_digits(name):
    digits = datasets.load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    train, held_out = order[:1437], order[1437:]

    torch.manual_seed(0)
    method, epochs = methods.get(name), 10
    model = models.build("digits", method, classes=10, channels=1)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for epoch in range(epochs):
        method.on_epoch(model, epoch, epochs)
        for batch in train[torch.randperm(len(train))].split(64):
            loss = torch.nn.functional.cross_entropy(model(images[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            method.after_step(model)
        schedule.step()
    model.eval()
    with torch.no_grad():
        top1 = (model(images[held_out]).argmax(1) == labels[held_out]).float().mean().item()
    assert top1 >= 0.96
