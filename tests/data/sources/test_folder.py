import os
from pathlib import Path

import numpy as np
import pytest
from tests.data.conftest import WriteFolder, colours

from signbit.data.sources.folder import open_folder
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


@pytest.mark.parametrize(
    "folders",
    [
        {".": 7},  # flat
        {"all": 7},  # one folder
        {"2019/05": 3, "2019/06": 2, "2020": 2},  # nested
        {".": 1, "cat": 3, "dog": 3},  # loose ones beside classes
        {"train": 7},
        {"train/all": 7},
        {"train/2019/05": 3, "train/2020/01": 4},
    ],
)
def test_without_labels_images_lie_anywhere(
    tmp_path: Path, write_folder: WriteFolder, folders: dict[str, int]
) -> None:
    write_folder(tmp_path, folders)
    images = colours(7)
    for split, chosen in (("train", [0, 2, 3, 4, 5]), ("test", [1, 6]), ("val", [1, 6])):
        opened = open_folder(tmp_path, split, labelled=False)
        assert opened.class_names == ("unlabelled",)
        np.testing.assert_array_equal(opened.images, images[chosen])
        np.testing.assert_array_equal(opened.labels, [0] * len(chosen))


def test_class_folders_are_labels_though_none_are_needed(
    tmp_path: Path, write_folder: WriteFolder
) -> None:
    write_folder(tmp_path / "whole", {"cat": 6, "dog": 2})
    for split in ("train", "test"):
        asked, taken = (
            open_folder(tmp_path / "whole", split, labelled=each) for each in (True, False)
        )
        assert asked.class_names == taken.class_names
        assert asked.fingerprint == taken.fingerprint
        np.testing.assert_array_equal(asked.labels, taken.labels)
    write_folder(tmp_path / "split", {"train/cat": 6, "train/dog": 2})
    assert open_folder(tmp_path / "split", "test", labelled=False).labels.tolist() == [0, 1]
    (tmp_path / "whole/cow").mkdir()
    with pytest.raises(DataError, match="cow: this class has no images; add some or remove it"):
        open_folder(tmp_path / "whole", "train", labelled=False)


def test_of_two_splits_one_may_lack_labels(tmp_path: Path, write_folder: WriteFolder) -> None:
    write_folder(tmp_path / "a", {"train": 3, "test/cat": 1, "test/dog": 1})
    write_folder(tmp_path / "b", {"train/cat": 2, "train/dog": 1, "test": 2})
    for name, labelled in (("a", 1), ("b", 2)):
        train, test = (
            open_folder(tmp_path / name, split, labelled=False) for split in ("train", "test")
        )
        assert (len(train), len(train.class_names)) == (3, labelled)
        assert (len(test), test.class_names) == (2, ("unlabelled",))
    with pytest.raises(DataError, match="no split 'val'; there are: test, train"):
        open_folder(tmp_path / "a", "val", labelled=False)


def test_where_labels_are_needed_their_lack_is_named(
    tmp_path: Path, write_folder: WriteFolder
) -> None:
    write_folder(tmp_path / "flat", {".": 3})
    with pytest.raises(DataError, match=r"flat: 3 images in no class folder .* --data"):
        open_folder(tmp_path / "flat", "train")
    write_folder(tmp_path / "nested", {"2019/05": 2, "2020/01": 1})
    with pytest.raises(DataError, match=r"2019: this class has no images but 2 in folders inside"):
        open_folder(tmp_path / "nested", "train")


def test_too_few_images_without_labels(tmp_path: Path, write_folder: WriteFolder) -> None:
    with pytest.raises(DataError, match="no images in this folder"):
        open_folder(tmp_path, "train", labelled=False)
    write_folder(tmp_path, {".": 1})
    with pytest.raises(DataError, match="of 1 none can be held out"):
        open_folder(tmp_path, "train", labelled=False)


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize(
    ("train", "others", "test"),
    [
        ("train", ("val",), "val"),
        ("train", ("validation", "test"), "test"),
        ("training", ("validation", "testing"), "testing"),
        ("Train", ("Valid",), "Valid"),
        ("Training", ("Test", "test"), "test"),
        ("train", ("extra", "VAL"), "VAL"),
    ],
)
def test_usual_names_of_splits(
    tmp_path: Path,
    write_folder: WriteFolder,
    train: str,
    others: tuple[str, ...],
    test: str,
    labelled: bool,
) -> None:
    counts = {f"{train}/cat": 3, f"{train}/dog": 2}
    for number, other in enumerate(others, 1):
        counts |= {f"{other}/cat": number, f"{other}/dog": number}
    write_folder(tmp_path, counts)
    learned, measured = (
        open_folder(tmp_path, split, labelled=labelled) for split in ("train", "test")
    )
    assert (len(learned), learned.split) == (5, train)
    assert (len(measured), measured.split) == (2 * (1 + others.index(test)), test)
    assert learned.class_names == measured.class_names == ("cat", "dog")
    assert open_folder(tmp_path, others[0], labelled=labelled).split == others[0]


def test_classes_may_have_the_names_of_splits(tmp_path: Path, write_folder: WriteFolder) -> None:
    for name in ("train", "training", "Train"):
        root = write_folder(tmp_path / name / "all", {name: 5, "bus": 5})
        assert open_folder(root, "test").class_names == tuple(sorted((name, "bus")))


def test_a_train_folder_alone_says_how_to_hold_images_out(
    tmp_path: Path, write_folder: WriteFolder
) -> None:
    write_folder(tmp_path, {"train/cat": 5, "train/dog": 5})
    with pytest.raises(DataError, match=rf"add test/.*, or name {tmp_path}/train, to hold out"):
        open_folder(tmp_path, "test")
    assert len(open_folder(tmp_path / "train", "test")) == 2


def left_out(folder: Path, *, labelled: bool = True) -> list[str]:
    said: list[str] = []
    open_folder(folder, "train", labelled=labelled, say=said.append)
    return said


@pytest.mark.parametrize("labelled", [True, False])
def test_what_is_left_out_is_told_in_a_line(
    tmp_path: Path, write_folder: WriteFolder, labelled: bool
) -> None:
    write_folder(tmp_path, {"cat": 3, "dog": 3, "dog/old": 2, ".cache": 1, "__MACOSX": 1, ".": 1})
    for name in ("cat/a.heic", "dog/b.heic", "dog/labels.txt", "dog/.DS_Store"):
        (tmp_path / name).touch()
    (tmp_path / "dog/more").symlink_to(tmp_path / "cat")
    images = ["3 images not in a class folder itself"] if labelled else []
    phone = "2 .heic (which are not read: save them as JPEG)"
    expected = ", ".join([phone, "1 .txt", *images, "1 link to a folder"])
    assert left_out(tmp_path, labelled=labelled) == [f"{tmp_path}: left out: {expected}"]


def test_of_images_alone_nothing_is_told(tmp_path: Path, write_folder: WriteFolder) -> None:
    write_folder(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "README.md").touch()
    assert left_out(tmp_path) == []


def test_a_class_is_one_in_every_unicode_form(tmp_path: Path, write_folder: WriteFolder) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    counts = {f"train/{composed}": 2, "train/b": 1, f"test/{decomposed}": 3}
    write_folder(tmp_path, counts)
    train, test = open_folder(tmp_path, "train"), open_folder(tmp_path, "test")
    assert train.class_names == test.class_names == ("b", composed)
    assert test.labels.tolist() == [1, 1, 1]
    write_folder(tmp_path, {f"train/{decomposed}": 1})
    with pytest.raises(DataError, match="another Unicode form; put the images of both into one"):
        open_folder(tmp_path, "train")


def test_a_name_that_is_no_utf8_is_written_in_signs(
    tmp_path: Path, write_folder: WriteFolder
) -> None:
    name = os.fsdecode(b"caf\xe9")
    write_folder(tmp_path, {f"train/{name}": 2, "train/b": 1, f"test/{name}": 1})
    (tmp_path / "train" / name / os.fsdecode(b"\xff.png")).write_bytes(b"")
    train, test = open_folder(tmp_path, "train"), open_folder(tmp_path, "test")
    assert train.class_names == test.class_names == ("b", r"caf\xe9")
    assert train.read(1).shape == (4, 4, 3)
    with pytest.raises(DataError, match="it is empty"):
        train.read(3)


@pytest.mark.parametrize(("one", "other"), [("Cat", "cat"), ("cat ", "cat"), ("É", "e\u0301")])
def test_classes_that_differ_in_case_alone_are_named(
    tmp_path: Path, write_folder: WriteFolder, one: str, other: str
) -> None:
    write_folder(tmp_path, {f"train/{one}": 1, "train/dog": 1, f"test/{other}": 1})
    with pytest.raises(DataError, match="which differs in case only; rename one of them"):
        open_folder(tmp_path, "test")
