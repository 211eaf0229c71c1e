from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from signbit.bitformat.graph import Resize
from signbit.data import ImageDataset, Preprocessing
from signbit.selfsup.evaluation.features import AugmentedBatches, CachedBatches, Features, extract

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
RULE = Preprocessing((4, 4, 3), MEAN, STD, Resize(4))
CPU = torch.device("cpu")


class Means(nn.Module):
    """Three features, the channels' means, after a normalisation that tells the modes apart."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        features: Tensor = self.norm(x).mean((2, 3))
        return features


def images(count: int, shape: tuple[int, int, int] = (4, 4, 3)) -> ImageDataset:
    pixels = np.random.randint(0, 256, (count, *shape), dtype=np.uint8)
    labels = np.random.randint(0, 3, count)
    return ImageDataset.from_arrays(pixels, labels, ["a", "b", "c"], source="s", split="train")


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_features_of_every_image_in_eval_mode(batch_size: int) -> None:
    dataset, backbone = images(22), Means().train()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    found = extract(backbone, dataset, RULE, CPU, batch_size=batch_size)
    x = (dataset.images / 255.0 - np.array(MEAN)) / np.array(STD)
    expected = x.mean((1, 2)) / np.sqrt(1 + 1e-5)  # BN at its initial statistics
    np.testing.assert_allclose(found.values.numpy(), expected, atol=1e-5)
    assert found.labels.tolist() == dataset.labels.tolist()
    assert backbone.training
    assert not found.values.requires_grad
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_gray_images_of_another_size_are_repeated_and_scaled() -> None:
    gray = images(5, (6, 9, 1))
    found = extract(Means(), gray, RULE, CPU)
    rgb = gray.fitted((4, 4, 3), Resize(4))
    assert (rgb.images[..., 0] == rgb.images[..., 2]).all()
    assert torch.equal(found.values, extract(Means(), rgb, RULE, CPU).values)


def test_cached_batches_have_every_image_once_and_an_order_of_the_epoch() -> None:
    values = torch.arange(11.0).unsqueeze(1)
    batches = CachedBatches(Features(values, torch.arange(11)), 4, seed=3)
    first = list(batches.epoch(0))
    assert [len(labels) for _, labels in first] == [4, 4, 3]
    order = torch.cat([labels for _, labels in first])
    assert sorted(order.tolist()) == list(range(11))
    assert torch.equal(torch.cat([features for features, _ in first]).squeeze(1), order.float())
    assert order.tolist() == torch.cat([labels for _, labels in batches.epoch(0)]).tolist()
    assert order.tolist() != torch.cat([labels for _, labels in batches.epoch(1)]).tolist()


@pytest.mark.parametrize("side", [8, 80])
def test_augmented_batches_differ_by_epoch_and_teach_the_backbone_nothing(side: int) -> None:
    dataset = images(10, (side, side, 3))
    rule = Preprocessing((side, side, 3), MEAN, STD, Resize(side))
    backbone = Means().train()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    batches = AugmentedBatches(backbone, dataset, rule, CPU, batch_size=4, seed=0)

    def epoch(number: int) -> Tensor:
        parts = list(batches.epoch(number))
        labels = torch.cat([labels for _, labels in parts])
        assert sorted(labels.tolist()) == sorted(dataset.labels.tolist())
        features = torch.cat([features for features, _ in parts])
        assert not features.requires_grad
        return features

    assert torch.equal(epoch(0), epoch(0))
    assert not torch.equal(epoch(0), epoch(1))
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, before[name]), name
