from pathlib import Path

import pytest
from tests.data.conftest import WriteFolder, WriteParquet, colours, png

from signbit.data import open_dataset
from signbit.data.sources import any_source
from signbit.errors import DataError


def test_each_kind_of_source_is_recognised(
    tmp_path: Path,
    write_folder: WriteFolder,
    write_parquet: WriteParquet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_folder(tmp_path / "photos", {"train/cat": 1})
    write_parquet(tmp_path / "rows/train.parquet", [png(colours(1)[0])], [0], ["bee"])
    assert open_dataset("digits", "test").source == "digits"
    assert open_dataset(tmp_path / "photos", "train").class_names == ("cat",)
    assert open_dataset(str(tmp_path / "rows"), "train").class_names == ("bee",)
    monkeypatch.setattr(
        any_source, "open_hub", lambda name, split, labelled: f"{name} {split} {labelled}"
    )
    assert open_dataset("hub:owner/name", "train") == "owner/name train True"
    assert open_dataset("hub:owner/name", "train", labelled=False) == "owner/name train False"


def test_a_missing_folder_says_what_data_can_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent: no such folder .*digits.*hub:"):
        open_dataset(tmp_path / "absent", "train")


def test_a_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "train.parquet"
    file.write_bytes(b"")
    with pytest.raises(DataError, match="not a folder"):
        open_dataset(file, "train")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images"):
        open_dataset(tmp_path / "empty", "train")


def test_images_without_labels_are_taken_where_asked(
    tmp_path: Path, write_folder: WriteFolder, write_parquet: WriteParquet
) -> None:
    write_folder(tmp_path, {"photos": 6})
    write_parquet(tmp_path / "rows/train.parquet", [png(each) for each in colours(6)], None)
    for source in ("photos", "rows"):
        opened = open_dataset(tmp_path / source, "test", labelled=False)
        assert (len(opened), opened.class_names) == (1, ("unlabelled",))
        with pytest.raises(DataError, match=r"labels are needed here: name images that have some"):
            open_dataset(tmp_path / source, "train")
    assert len(open_dataset("digits", "test", labelled=False).class_names) == 10


@pytest.fixture
def images_and_parquet(tmp_path: Path, write_folder: WriteFolder) -> Path:
    """Folders of images of two classes, to which tests add Parquet files."""
    return write_folder(tmp_path, {"train/cat": 2, "train/dog": 2, "test/cat": 1, "test/dog": 1})


@pytest.mark.parametrize("name", ["metadata.parquet", "train.parquet", "train/cat/test-0.parquet"])
def test_parquet_files_without_images_leave_an_image_folder_what_it_is(
    images_and_parquet: Path, name: str
) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"x": [1]}), images_and_parquet / name)
    said: list[str] = []
    opened = open_dataset(images_and_parquet, "train", say=said.append)
    assert opened.class_names == ("cat", "dog")
    assert said[0].endswith(f"left out 1 Parquet file without images of a split, as {name}")


def test_hidden_parquet_files_are_passed_over(
    images_and_parquet: Path, write_parquet: WriteParquet
) -> None:
    write_parquet(images_and_parquet / ".cache/train.parquet", [png(colours(1)[0])], [0])
    said: list[str] = []
    assert len(open_dataset(images_and_parquet, "train", say=said.append)) == 4
    assert not said


@pytest.mark.parametrize("split", ["train", "test", "val"])
def test_parquet_files_of_images_are_meant_though_there_are_pictures_beside_them(
    images_and_parquet: Path, write_parquet: WriteParquet, split: str
) -> None:
    """Such as a data set's card has."""
    counts = {"train": 3, "test": 2, "val": 1}
    for name, count in counts.items():
        data = [png(image) for image in colours(count)]
        write_parquet(images_and_parquet / f"data/{name}-0.parquet", data, [0, 1, 1][:count])
    said: list[str] = []
    assert len(open_dataset(images_and_parquet, split, say=said.append)) == counts[split]
    (line,) = said
    assert line.endswith("Parquet files are read; left out: 6 image files beside them")
