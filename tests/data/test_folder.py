from pathlib import Path

import numpy as np
import pytest
from tests.data.conftest import WriteFolder, colours

from signbit.data.folder import open_folder
from signbit.errors import DataError


def test_split_folders(tmp_path: Path, write_folder: WriteFolder) -> None:
    write_folder(tmp_path, {"train/cat": 2, "train/dog": 1, "test/dog": 2})
    images = colours(5)
    train, test = open_folder(tmp_path, "train"), open_folder(tmp_path, "test")
    np.testing.assert_array_equal(train.images, images[:3])
    np.testing.assert_array_equal(train.labels, [0, 0, 1])
    np.testing.assert_array_equal(test.images, images[3:])
    np.testing.assert_array_equal(test.labels, [1, 1])
    assert train.class_names == test.class_names == ("cat", "dog")


def test_class_folders_get_a_held_out_split(tmp_path: Path, write_folder: WriteFolder) -> None:
    write_folder(tmp_path, {"cat": 6, "dog": 2})
    train, test = open_folder(tmp_path, "train"), open_folder(tmp_path, "test")
    np.testing.assert_array_equal(test.images, colours(8)[[1, 7]])
    np.testing.assert_array_equal(test.labels, [0, 1])
    assert len(train) == 6


def test_other_files_and_hidden_folders_are_passed_over(
    tmp_path: Path, write_folder: WriteFolder
) -> None:
    write_folder(tmp_path, {"cat": 2, ".cache": 1})
    (tmp_path / "cat/notes.txt").write_text("not an image")
    assert open_folder(tmp_path, "train").class_names == ("cat",)
    assert len(open_folder(tmp_path, "train")) == 1


def test_what_is_missing_is_named(tmp_path: Path, write_folder: WriteFolder) -> None:
    with pytest.raises(DataError, match="no images of the train split; expected"):
        open_folder(tmp_path, "train")
    write_folder(tmp_path, {"train/cat": 1})
    with pytest.raises(DataError, match=r"no split 'test'; there are: train"):
        open_folder(tmp_path, "test")
    write_folder(tmp_path, {"test/cow": 1})
    with pytest.raises(DataError, match=r"class 'cow' is not in the training split"):
        open_folder(tmp_path, "test")


def test_a_corrupt_image_is_named(tmp_path: Path, write_folder: WriteFolder) -> None:
    write_folder(tmp_path, {"train/cat": 1})
    (tmp_path / "train/cat/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 then nothing")
    with pytest.raises(DataError, match=r"broken\.jpg: not a readable image"):
        _ = open_folder(tmp_path, "train").images


def test_hidden_files_are_no_images(tmp_path: Path, write_folder: WriteFolder) -> None:
    write_folder(tmp_path, {"train/cat": 2})
    for name in ("._00.png", ".hidden.jpg"):
        (tmp_path / "train/cat" / name).write_bytes(b"not a photo")
    assert open_folder(tmp_path, "train").images.shape == (2, 4, 4, 3)


def test_an_empty_class_is_named(tmp_path: Path, write_folder: WriteFolder) -> None:
    write_folder(tmp_path, {"train/cat": 2, "train/dog": 0})
    with pytest.raises(DataError, match=r"train/dog: this class has no images"):
        open_folder(tmp_path, "train")


def test_what_has_an_images_name_but_is_no_file_is_named(
    tmp_path: Path, write_folder: WriteFolder
) -> None:
    write_folder(tmp_path, {"train/cat": 1, "train/dog": 1})
    (tmp_path / "train/cat/z.jpg").mkdir()
    (tmp_path / "train/dog/z.jpg").symlink_to(tmp_path / "gone.jpg")
    opened = open_folder(tmp_path, "train")
    for index, name in ((1, "cat"), (3, "dog")):
        with pytest.raises(DataError, match=rf"{name}/z\.jpg: cannot be read \("):
            opened.read(index)
