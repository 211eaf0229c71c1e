"""Images that a program has already, in every form that is meant by it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

from signbit.data import ImageDataset, in_memory, register
from signbit.data.sources import named
from signbit.data.sources.any_source import absolute_source, open_dataset, source_name
from signbit.errors import DataError, InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 6, 3)).astype(np.uint8)
LABELS = np.array([0, 2, 1, 0, 2])


class Photos(Dataset[tuple[Image.Image, int]]):
    classes = ("a", "b", "c")

    def __len__(self) -> int:
        return len(LABELS)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        return Image.fromarray(PIXELS[index]), int(LABELS[index])


def same(given: object, pixels: np.ndarray = PIXELS) -> ImageDataset:
    found = in_memory(given)
    assert found.images.dtype == np.uint8
    np.testing.assert_array_equal(found.images, pixels)
    np.testing.assert_array_equal(found.labels, LABELS)
    return found


def test_every_form_gives_the_same_images() -> None:
    labels, first = torch.from_numpy(LABELS), torch.from_numpy(PIXELS).permute(0, 3, 1, 2)
    assert same((PIXELS, LABELS)).class_names == ("0", "1", "2")
    assert same([torch.from_numpy(PIXELS), labels]).class_names == ("0", "1", "2")
    assert same((first, labels.to(torch.uint8), ["x", "y", "z"])).class_names == ("x", "y", "z")
    same((first.float() / 255, labels))
    same(TensorDataset(first.double() / 255, labels))
    assert same(Photos()).class_names == ("a", "b", "c")
    same((PIXELS[..., :1].transpose(0, 3, 1, 2), LABELS), PIXELS[..., :1])
    same((PIXELS[..., 0], LABELS), PIXELS[..., :1])
    own = in_memory((PIXELS, LABELS))
    assert in_memory(own) is own


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (PIXELS, "not ndarray"),
        ((PIXELS, LABELS[:3]), "5 images and 3 labels"),
        ((PIXELS, LABELS.astype(float)), "labels are whole numbers"),
        ((PIXELS[..., :2], LABELS), "1 or 3 channels"),
        ((PIXELS[:, :3], LABELS), "not both at once"),
        ((PIXELS.astype(np.float32), LABELS), "uint8, or floats 0 … 1"),
        ((PIXELS / 255 - 0.5, LABELS), "not normalised"),
        ((PIXELS.astype(np.int64), LABELS), "uint8"),
        (7, "not int"),
    ],
)
def test_anything_else_is_refused(given: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        in_memory(given)


def test_a_source_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "_named", dict(named._named))
    register("my-photos", lambda split: (PIXELS, LABELS) if split == "train" else Photos())
    assert open_dataset("my-photos", "train").source == "my-photos"
    assert open_dataset("my-photos", "test").class_names == ("a", "b", "c")
    assert absolute_source("my-photos") == source_name("my-photos") == "my-photos"
    with pytest.raises(DataError, match="digits, my-photos, or hub:OWNER/NAME"):
        open_dataset("nowhere", "train")
    for taken in ("digits", "my-photos", "memory"):
        with pytest.raises(DataError, match="already registered"):
            register(taken, lambda split: None)
    for wrong in ("", "a/b", "hub:x", "~"):
        with pytest.raises(DataError, match="a name is of letters"):
            register(wrong, lambda split: None)
    with pytest.raises(DataError, match="a program's own"):
        open_dataset("memory", "train")
