from pathlib import Path

import numpy as np
import pytest
import torch
from tests.data.conftest import WriteFolder

from signbit.bitformat.graph import Resize
from signbit.data.loading.inputs import Inputs, normalized
from signbit.data.loading.loader import Loader
from signbit.data.pixels.augment import Augmentation
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.transforms import Normalization, to_unit
from signbit.data.sources.folder import open_folder

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_normalized_has_the_bits_of_what_evaluation_does(channels: int, kind: torch.dtype) -> None:
    # Every value of a pixel, in every channel.
    values = np.arange(256, dtype=np.uint8).reshape(2, 8, 16, 1).repeat(channels, axis=3)
    mean, std = MEAN[:channels], STD[:channels]
    result = normalized(
        values, torch.tensor(mean, dtype=kind).numpy(), torch.tensor(std, dtype=kind).numpy()
    )
    evaluated = Normalization(mean, std)
    evaluated.mean = torch.tensor(mean, dtype=kind).view(1, -1, 1, 1)
    evaluated.std = torch.tensor(std, dtype=kind).view(1, -1, 1, 1)
    expected = evaluated(to_unit(torch.from_numpy(values)))
    assert torch.from_numpy(result).dtype == kind
    np.testing.assert_array_equal(result.transpose(0, 3, 1, 2), expected.numpy())


def inputs(folder: Path, workers: int, rank: int = 0, world: int = 1) -> Inputs:
    rule = Preprocessing((4, 4, 3), MEAN, STD, Resize(4))
    dataset = rule.fit(open_folder(folder, "train"), workers=workers)
    loader = Loader(dataset, 3, seed=1, rank=rank, world=world)
    return Inputs(loader, Augmentation(flip=True, crop_padding=1), rule, torch.device("cpu"))


@pytest.fixture
def photos(tmp_path: Path, write_folder: WriteFolder) -> Path:
    return write_folder(tmp_path, {"train/cat": 5, "train/dog": 5})


def test_batches_are_channels_last_and_the_same_for_any_number_of_workers(photos: Path) -> None:
    alone = list(inputs(photos, 0).epoch(2))
    assert len(alone) == 4
    for batch in alone:
        assert batch.pixels.shape == (batch.total, 3, 4, 4)
        assert batch.pixels.is_contiguous(memory_format=torch.channels_last)
        assert batch.labels.shape == (batch.total,)
    for workers in (1, 2):
        for ours, theirs in zip(inputs(photos, workers).epoch(2), alone, strict=True):
            assert torch.equal(ours.pixels, theirs.pixels)
            assert torch.equal(ours.labels, theirs.labels)


def test_epochs_differ_and_repeat(photos: Path) -> None:
    opened = inputs(photos, 0)
    first, again, other = ([b.pixels for b in opened.epoch(number)] for number in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_process_without_an_image_in_a_step_has_an_empty_batch(photos: Path) -> None:
    for workers in (0, 1):
        parts = list(inputs(photos, workers, rank=2, world=3).epoch(0))
        assert {len(part.labels) for part in parts} == {0, 1}
        assert all(part.pixels.shape[1:] == (3, 4, 4) for part in parts)
