from __future__ import annotations

import errno
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from signbit.data import open_dataset
from signbit.data.loading.cache import cache_folder
from signbit.data.loading.readable import without_unreadable
from signbit.errors import DataError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes of four training images each; one is empty, one is text."""
    monkeypatch.setenv("SIGNBIT_CACHE", str(tmp_path / ".cache"))
    random = np.random.default_rng(0)
    for split, count in (("train", 4), ("test", 1)):
        for name in ("cat", "dog"):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / split / name / f"{number}.png")
    (tmp_path / "train/cat/1.png").write_bytes(b"")
    (tmp_path / "train/dog/3.png").write_text("no picture")
    return tmp_path


def test_an_image_that_is_not_one_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"cat/1\.png: not a readable image \(it is empty\)"):
        open_dataset(folder, "train").images  # noqa: B018


def test_those_that_cannot_be_decoded_are_skipped_by_name(folder: Path) -> None:
    said: list[str] = []
    opened = open_dataset(folder, "train")
    left = without_unreadable(opened, said.append)
    assert [line.rpartition("/")[2] for line in said] == [
        "1.png: not a readable image (it is empty)",
        "3.png: not a readable image (its format is unknown)",
    ]
    assert left.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert left.class_names == opened.class_names
    np.testing.assert_array_equal(left.images[1], opened.read(2))
    assert left.fingerprint != opened.fingerprint


def test_they_are_looked_for_once_until_a_file_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_unreadable(open_dataset(folder, "train"), lambda _: None)
    opened = open_dataset(folder, "train")
    read, again = opened.read, []
    monkeypatch.setattr(opened, "read", lambda index: again.append(index) or read(index))
    said: list[str] = []
    assert len(without_unreadable(opened, said.append)) == 6
    assert len(said) == 2
    assert again == [1, 7]  # these alone: what could not be read may be readable by now
    Image.new("RGB", (8, 8)).save(folder / "train/cat/1.png")
    assert len(without_unreadable(open_dataset(folder, "train"), lambda _: None)) == 7


def test_what_can_be_read_by_now_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stood in the way, the file itself stays as it was."""
    full = OSError(errno.EMFILE, "Too many open files")

    def fail(*_: object) -> None:
        raise full

    with monkeypatch.context() as patch:
        patch.setattr("signbit.data.sources.folder.open", fail, raising=False)
        with pytest.raises(DataError, match="none of the 8 images"):
            without_unreadable(open_dataset(folder, "train"), lambda _: None)
    assert len(without_unreadable(open_dataset(folder, "train"), lambda _: None)) == 6


def test_another_decoder_looks_at_all_of_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "jpeg")
    (folder / "train/cat/cut.jpg").write_bytes(stream.getvalue()[:-200])
    counts = []
    for patient in (True, False, True):
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", patient)
        counts.append(len(without_unreadable(open_dataset(folder, "train"), lambda _: None)))
    assert counts == [7, 6, 7]


@pytest.mark.parametrize("text", ["{}", '"a"', "[1", "[99]", "[-1]", "\xff", "[[1]]"])
def test_a_damaged_list_is_made_again(folder: Path, text: str) -> None:
    without_unreadable(open_dataset(folder, "train"), lambda _: None)
    (kept,) = cache_folder().glob("unreadable-*.json")
    kept.write_text(text)
    assert len(without_unreadable(open_dataset(folder, "train"), lambda _: None)) == 6


def test_sources_without_faults_stay_as_they_are(folder: Path) -> None:
    opened = open_dataset(folder, "test")
    assert without_unreadable(opened, lambda _: pytest.fail("said something")) is opened


def test_none_left_is_an_error(folder: Path) -> None:
    for path in (folder / "test").rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="none of the 2 images of the test split can be decoded"):
        without_unreadable(open_dataset(folder, "test"), lambda _: None)
