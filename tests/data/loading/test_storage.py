import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile
from tests.data.conftest import WriteFolder

from signbit.bitformat.graph import Resize
from signbit.data import ImageDataset
from signbit.data.loading import storage
from signbit.data.loading.cache import cache_folder
from signbit.data.loading.storage import stored
from signbit.data.pixels import decoding, images
from signbit.data.sources.folder import open_folder
from signbit.errors import DataError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGNBIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def photos(tmp_path: Path, write_folder: WriteFolder) -> ImageDataset:
    """Five images of 4×4 in two classes."""
    write_folder(tmp_path / "photos", {"train/cat": 3, "train/dog": 2})
    return open_folder(tmp_path / "photos", "train")


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every data set is too large to be held in memory without asking."""
    monkeypatch.setattr(storage, "_SMALL", 0)


def fit(dataset: ImageDataset, size: int = 2, **options: object) -> ImageDataset:
    return stored(dataset, (size, size, 3), Resize(size), **{"workers": None, **options})  # type: ignore[arg-type]


def files(folder: Path) -> list[Path]:
    return list(folder.glob("images-*.npy"))


def test_small_data_stays_in_memory(photos: ImageDataset, folder: Path) -> None:
    assert fit(photos).images.shape == (5, 2, 2, 3)
    assert not folder.exists()


@pytest.mark.usefixtures("large")
def test_images_that_were_never_encoded_stay_in_memory(folder: Path) -> None:
    pixels = np.zeros((3, 2, 2, 3), dtype=np.uint8)
    dataset = ImageDataset.from_arrays(pixels, [0, 1, 0], ["a", "b"], source="s", split="train")
    assert fit(dataset).images.shape == (3, 2, 2, 3)
    assert not folder.exists()


@pytest.mark.usefixtures("large")
def test_cached_images_are_those_that_memory_would_hold(
    photos: ImageDataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = photos.fitted((2, 2, 3), Resize(2))
    first = fit(photos)
    monkeypatch.setattr(photos, "read", None)  # nothing is decoded any more
    for opened in (first, fit(photos)):
        np.testing.assert_array_equal(opened.images, expected.images)
        np.testing.assert_array_equal(opened.labels, photos.labels)
        assert (opened.class_names, opened.workers) == (("cat", "dog"), 0)
    assert len(files(folder)) == 1


@pytest.mark.usefixtures("large")
def test_whatever_changes_the_pixels_makes_another_cache(
    photos: ImageDataset, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit(photos)
    fit(photos, 3)
    stored(photos, (2, 2, 3), Resize(4, "bilinear"), workers=None)
    stored(photos, (2, 2, 3), Resize(2, "nearest"), workers=None)
    fit(photos.take(np.array([0, 1])))
    fit(photos.take(np.array([1, 0])))
    assert len(files(folder)) == 6
    changed = tmp_path / "photos/train/cat/00.png"
    os.utime(changed, ns=(1, 1))
    fit(open_folder(tmp_path / "photos", "train"))
    assert len(files(folder)) == 7
    with monkeypatch.context() as patch:
        patch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
        fit(open_folder(tmp_path / "photos", "train"))
    assert len(files(folder)) == 8
    monkeypatch.setattr(images, "RESIZE_RULE", "another")
    fit(open_folder(tmp_path / "photos", "train"))
    assert len(files(folder)) == 9


@pytest.mark.usefixtures("large")
def test_another_data_set_in_its_place_is_decoded_though_names_sizes_and_times_agree(
    tmp_path: Path,
) -> None:
    for value in (10, 200):
        for name in ("cat", "dog"):
            path = tmp_path / "photos" / name / "0.bmp"
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unpacked twice: a new file takes the name, and its time is the archive's.
            beside = path.with_suffix(".new")
            Image.new("RGB", (2, 2), (value,) * 3).save(beside, "bmp")
            os.utime(beside, ns=(1, 1))
            beside.replace(path)
        opened = open_folder(tmp_path / "photos", "train")
        assert (fit(opened).images == value).all()


def test_what_worker_processes_decode_is_known_by_the_rule_too(photos: ImageDataset) -> None:
    known = {
        stored(photos, (2, 2, 3), Resize(side, filter_), workers=1).fingerprint
        for side, filter_ in ((2, "bilinear"), (3, "bilinear"), (2, "nearest"))
    }
    assert len(known) == 3


@pytest.mark.usefixtures("large")
def test_without_room_for_a_cache_memory_holds_them(
    photos: ImageDataset, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file")
    with caplog.at_level(logging.WARNING):
        opened = fit(photos)
    assert "no decoded images are kept" in caplog.text
    np.testing.assert_array_equal(opened.images, photos.fitted((2, 2, 3), Resize(2)).images)


@pytest.mark.usefixtures("large")
def test_without_room_anywhere_processes_decode(
    photos: ImageDataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("a file")
    monkeypatch.setattr(storage, "_SHARE_OF_MEMORY", 0.0)
    said: list[str] = []
    opened = fit(photos, say=said.append)
    assert opened.workers == decoding.available_cores()
    assert "processes decode the train images as needed" in said[-1]
    with pytest.raises(DataError, match=r"data\.workers to 1 or more"):
        fit(photos, workers=0, say=said.append)


def test_asked_for_workers_need_no_room(photos: ImageDataset, folder: Path) -> None:
    opened = fit(photos, workers=2)
    assert opened.workers == 2
    np.testing.assert_array_equal(opened.read(3), photos.fitted((2, 2, 3), Resize(2)).images[3])
    assert not folder.exists()


def test_the_cache_can_be_removed_while_it_is_open(
    photos: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_SMALL", 0)
    opened = fit(photos)
    shutil.rmtree(cache_folder())
    np.testing.assert_array_equal(opened.images, photos.fitted((2, 2, 3), Resize(2)).images)
