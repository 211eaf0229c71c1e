import multiprocessing
import os
import shutil
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from signbit.data.loading.cache import cache_folder, cached

KEY, OTHER = "ab" * 32, "cd" * 32
SHAPE = (6, 4, 5, 3)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGNBIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, SHAPE, dtype=np.uint8)


class Source:
    """Decodes `pixels()` and counts how often."""

    def __init__(self) -> None:
        self.decoded = 0
        self.said: list[str] = []

    def __call__(self) -> Iterator[NDArray[np.uint8]]:
        self.decoded += 1
        yield from pixels()

    def open(self, key: str = KEY) -> NDArray[np.uint8] | None:
        return cached(key, SHAPE, self, self.said.append)


def only_file(folder: Path) -> Path:
    (path,) = folder.glob("*.npy")
    return path


def test_the_first_opening_decodes_and_the_second_maps(folder: Path) -> None:
    source = Source()
    first, second = source.open(), source.open()
    for images in (first, second):
        np.testing.assert_array_equal(images, pixels())
    assert source.decoded == 1
    assert [line.split(": ")[1] for line in source.said] == ["decoding 6 images, once (0.00 GB)"]
    assert not list(folder.glob(".*"))
    np.testing.assert_array_equal(np.load(only_file(folder), allow_pickle=False), pixels())


def test_what_is_written_into_the_array_stays_out_of_the_file() -> None:
    source = Source()
    images = source.open()
    assert images is not None
    images[:] = 0
    np.testing.assert_array_equal(source.open(), pixels())


def test_every_key_has_a_file_of_its_own(folder: Path) -> None:
    source = Source()
    source.open()
    source.open(OTHER)
    assert source.decoded == 2
    assert len(list(folder.glob("*.npy"))) == 2


def other_shape(path: Path) -> None:
    np.save(path, pixels().reshape(3, 8, 5, 3))
    with open(path, "ab") as file:
        file.write(bytes.fromhex(KEY))


def other_key(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-32] + bytes.fromhex(OTHER))


def pickled(path: Path) -> None:
    np.save(path, np.array([print], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: os.truncate(path, path.stat().st_size - 1),
        lambda path: os.truncate(path, 100),
        lambda path: os.truncate(path, 0),
        lambda path: path.write_bytes(path.read_bytes() + b"x"),
        lambda path: path.write_bytes(b"\x93NUMPX" + path.read_bytes()[6:]),
        lambda path: path.write_bytes(b"x" * path.stat().st_size),
        other_shape,
        other_key,
        pickled,
    ],
)
def test_a_damaged_cache_is_made_again_and_said_so(folder: Path, damage) -> None:  # type: ignore[no-untyped-def]
    source = Source()
    source.open()
    damage(only_file(folder))
    np.testing.assert_array_equal(source.open(), pixels())
    assert source.decoded == 2
    assert "is damaged" in source.said[1]
    assert "made again" in source.said[1]
    source.open()
    assert source.decoded == 2


def test_an_image_that_cannot_be_decoded_leaves_nothing(folder: Path) -> None:
    def broken() -> Iterator[NDArray[np.uint8]]:
        yield pixels()[0]
        raise ValueError("image 1")

    with pytest.raises(ValueError, match="image 1"):
        cached(KEY, SHAPE, broken, print)
    assert [path.suffix for path in folder.iterdir()] == [".lock"]


def test_what_a_killed_process_left_is_removed(folder: Path) -> None:
    source = Source()
    source.open()
    path = only_file(folder)
    left = path.with_name(f".{path.name}.1.new")
    path.rename(left)
    source.open()
    assert not left.exists()


def test_too_little_space_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(shutil.disk_usage("/"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1000, 600, 400))
    source = Source()
    assert source.open() is None
    assert source.decoded == 0
    assert "set SIGNBIT_CACHE to a folder on a larger disk" in source.said[0]
    assert not list(folder.glob("*.npy"))


def test_a_disk_that_fills_meanwhile_is_said(folder: Path) -> None:
    def full() -> Iterator[NDArray[np.uint8]]:
        yield pixels()[0]
        raise OSError(28, "No space left on device")

    said: list[str] = []
    assert cached(KEY, SHAPE, full, said.append) is None
    assert "No space left on device" in said[1]
    assert not list(folder.glob("*.npy"))


def test_a_folder_that_cannot_be_made_is_said(folder: Path) -> None:
    folder.write_text("a file")
    source = Source()
    assert source.open() is None
    assert "set SIGNBIT_CACHE to a folder that can be written" in source.said[-1]


def _open_slowly(cache: str, marks: str, together: Barrier) -> None:
    os.environ["SIGNBIT_CACHE"] = cache

    def slowly() -> Iterator[NDArray[np.uint8]]:
        (Path(marks) / str(os.getpid())).touch()
        for image in pixels():
            time.sleep(0.02)
            yield image

    together.wait(60)
    np.testing.assert_array_equal(cached(KEY, SHAPE, slowly, lambda text: None), pixels())


def test_of_processes_that_open_it_at_once_one_decodes(tmp_path: Path, folder: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    context = multiprocessing.get_context("forkserver")
    together = context.Barrier(3)
    processes = [
        context.Process(target=_open_slowly, args=(str(folder), str(marks), together))
        for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(list(marks.iterdir())) == 1


def test_the_folder_is_the_users_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGNBIT_CACHE")
    assert cache_folder() == Path.home() / ".cache/signbit"
