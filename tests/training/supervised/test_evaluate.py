import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from signbit.bitformat.graph import Resize
from signbit.data import ImageDataset, Preprocessing
from signbit.training import evaluate_model


class Recorder(nn.Module):
    """Logits are a fixed linear map of the three channels' means; keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.weight = nn.Parameter(torch.tensor([[1.0, -2, 0.5], [0, 1, 1], [-1, 0.3, 2]]))

    def forward(self, x: Tensor) -> Tensor:
        assert not self.training
        self.batches.append(len(x))
        return x.mean((2, 3)) @ self.weight


def images(count: int) -> ImageDataset:
    pixels = np.random.randint(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    labels = np.random.randint(0, 3, count)
    return ImageDataset.from_arrays(pixels, labels, ["a", "b", "c"], source="s", split="test")


@pytest.mark.parametrize("batch_size", [1, 4, 7, 50])
def test_every_image_counts_once_whatever_the_batch(batch_size: int) -> None:
    dataset = images(22)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    model = Recorder().train()
    rule = Preprocessing((4, 4, 3), mean, std, Resize(4))
    measured = evaluate_model(model, dataset, rule, batch_size=batch_size)

    x = (dataset.images / 255.0 - np.array(mean)) / np.array(std)
    logits = x.mean((1, 2)) @ model.weight.detach().numpy().astype(np.float64)
    shifted = logits - logits.max(1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    loss = -log_probability[np.arange(22), dataset.labels].mean()

    assert sum(model.batches) == measured.images == 22
    assert measured.top1 == np.mean(logits.argmax(1) == dataset.labels)
    assert measured.loss == pytest.approx(loss, rel=1e-5)
    assert model.training


def test_images_are_fitted_first() -> None:
    dataset = images(3)
    rule = Preprocessing((2, 2, 3), (0.0,) * 3, (1.0,) * 3, Resize(4))
    middle = ImageDataset.from_arrays(
        dataset.images[:, 1:3, 1:3], dataset.labels, ["a", "b", "c"], source="s", split="test"
    )
    exact = Preprocessing((2, 2, 3), (0.0,) * 3, (1.0,) * 3, Resize(2))
    model = Recorder()
    assert evaluate_model(model, dataset, rule) == evaluate_model(model, middle, exact)


def test_a_broken_network_has_no_loss() -> None:
    model = Recorder()
    model.weight.data[0, 0] = float("nan")
    rule = Preprocessing((4, 4, 3), (0.0,) * 3, (1.0,) * 3, Resize(4))
    assert math.isnan(evaluate_model(model, images(9), rule, batch_size=4).loss)
