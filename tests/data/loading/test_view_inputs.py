from __future__ import annotations

import threading
from contextlib import closing

import numpy as np
import torch

from signbit.bitformat.graph import Resize
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.loader import Loader
from signbit.data.loading.view_inputs import ViewInputs
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.views import Views

VIEWS = Views(
    crop_area=0.3,
    jitter_probability=0.8,
    gray_probability=0.2,
    blur_probability=0.5,
    size=(8, 8),
)
PREPROCESSING = Preprocessing((8, 8, 3), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4), Resize(8))


def inputs(count: int, *, rank: int = 0, world: int = 1, classes: int = 2) -> ViewInputs:
    random = np.random.default_rng(0)
    dataset = ImageDataset.from_arrays(
        random.integers(0, 256, (22, 10, 10, 3), dtype=np.uint8),
        np.arange(22) % classes,
        [str(each) for each in range(classes)],
        source="made up",
        split="train",
    )
    loader = Loader(dataset, 8, seed=4, rank=rank, world=world)
    return ViewInputs(loader, VIEWS, count, PREPROCESSING, torch.device("cpu"))


def test_two_views_of_every_image_normalised_in_channels_last() -> None:
    steps = list(inputs(2).epoch(0))
    assert [tuple(len(view) for view in step) for step in steps] == [(8, 8), (7, 7), (7, 7)]
    for query, key in steps:
        assert query.shape[1:] == (3, 8, 8)
        assert query.is_contiguous(memory_format=torch.channels_last)
        assert not torch.allclose(query, key)
    pixels = torch.cat([view for step in steps for view in step])
    mean, std = (
        torch.tensor(each).view(3, 1, 1) for each in (PREPROCESSING.mean, PREPROCESSING.std)
    )
    restored = pixels * std + mean
    assert -1e-5 < restored.min() < 0.2
    assert 0.8 < restored.max() < 1 + 1e-5


def test_one_view_is_the_first_of_two() -> None:
    for (query, _), (alone,) in zip(inputs(2).epoch(3), inputs(1).epoch(3), strict=True):
        assert torch.equal(query, alone)


def test_an_epoch_is_always_the_same_and_no_other_epoch() -> None:
    first, again, other = (list(inputs(1).epoch(epoch)) for epoch in (1, 1, 2))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a[0], b[0]) for a, b in zip(first, other, strict=True))


def test_labels_do_not_matter() -> None:
    for ours, theirs in zip(inputs(2).epoch(0), inputs(2, classes=7).epoch(0), strict=True):
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])


def test_two_processes_have_the_views_of_one() -> None:
    parts = zip(*(inputs(2, rank=rank, world=2).epoch(0) for rank in range(2)), strict=True)
    for whole, (left, right) in zip(inputs(2).epoch(0), parts, strict=True):
        for view, ours, theirs in zip(whole, left, right, strict=True):
            torch.testing.assert_close(torch.cat([ours, theirs]), view)


def test_leaving_early_ends_the_thread() -> None:
    with closing(inputs(1).epoch(0)) as steps:
        next(steps)
        assert [each for each in threading.enumerate() if "prefetch" in each.name]
    assert not [each for each in threading.enumerate() if "prefetch" in each.name]
