from pathlib import Path

import numpy as np
import pytest
from tests.data.conftest import WriteParquet, colours, png

from signbit.data.sources.parquet import open_parquet
from signbit.errors import DataError


def test_images_labels_and_names_come_from_the_files(
    tmp_path: Path, write_parquet: WriteParquet
) -> None:
    images = colours(5)
    names = ["ant", "bee"]
    for part, chosen in enumerate([slice(0, 3), slice(3, 5)]):
        write_parquet(
            tmp_path / f"data/train-0000{part}-of-00002.parquet",
            [png(image) for image in images[chosen]],
            [0, 1, 1, 0, 1][chosen],
            names,
            image_column="img",
        )
    opened = open_parquet(tmp_path, "train")
    np.testing.assert_array_equal(opened.images, images)
    np.testing.assert_array_equal(opened.labels, [0, 1, 1, 0, 1])
    assert opened.class_names == ("ant", "bee")


def test_a_class_label_column_of_another_name_is_found(
    tmp_path: Path, write_parquet: WriteParquet
) -> None:
    path = tmp_path / "test.parquet"
    write_parquet(path, [png(colours(1)[0])], [1], ["x", "y"], label_column="fine_label")
    assert open_parquet(tmp_path, "test").class_names == ("x", "y")


def test_names_from_the_data_set_card(tmp_path: Path, write_parquet: WriteParquet) -> None:
    write_parquet(tmp_path / "train.parquet", [png(colours(1)[0])], [1])
    (tmp_path / "README.md").write_text(
        "---\ndataset_info:\n  features:\n  - name: image\n    dtype: image\n"
        "  - name: label\n    dtype:\n      class_label:\n        names:\n"
        "          '0': oak\n          '1': elm\n---\n# Trees\n"
    )
    assert open_parquet(tmp_path, "train").class_names == ("oak", "elm")


def test_without_names_all_splits_agree_on_numbers(
    tmp_path: Path, write_parquet: WriteParquet
) -> None:
    data = [png(image) for image in colours(2)]
    write_parquet(tmp_path / "train.parquet", data, [0, 2])
    write_parquet(tmp_path / "test.parquet", data, [0, 1])
    assert open_parquet(tmp_path, "train").class_names == ("0", "1", "2")
    assert open_parquet(tmp_path, "test").class_names == ("0", "1", "2")


def test_what_is_missing_is_named(tmp_path: Path, write_parquet: WriteParquet) -> None:
    write_parquet(tmp_path / "a/train.parquet", [png(colours(1)[0])], [0])
    with pytest.raises(DataError, match=r"no split 'test'; there are: train"):
        open_parquet(tmp_path, "test")
    write_parquet(tmp_path / "b/train.parquet", [png(colours(1)[0])], [0])
    with pytest.raises(DataError, match=r"several data sets \(a, b\)"):
        open_parquet(tmp_path, "train")


def test_wrong_columns_are_refused(tmp_path: Path, write_parquet: WriteParquet) -> None:
    import pyarrow
    from pyarrow import parquet

    data = [png(image) for image in colours(2)]
    parquet.write_table(pyarrow.table({"text": ["a"]}), tmp_path / "none.parquet")
    write_parquet(tmp_path / "nolabel.parquet", data, [0, 1], label_column="score")
    write_parquet(tmp_path / "words.parquet", data, ["a", "b"])
    write_parquet(tmp_path / "holes.parquet", data, [0, None])
    for split, message in {
        "none": "no image column .* among: text",
        "nolabel": "no label column among: image, score",
        "words": "integers are needed",
        "holes": "1 image of the holes split without a label",
    }.items():
        with pytest.raises(DataError, match=message):
            open_parquet(tmp_path, split)


def test_damage_is_named(tmp_path: Path, write_parquet: WriteParquet) -> None:
    good = png(colours(1, size=16)[0])
    write_parquet(tmp_path / "train.parquet", [good, good[:60], None], [0, 0, 0])
    opened = open_parquet(tmp_path, "train")
    assert opened.read(0).shape == (16, 16, 3)
    with pytest.raises(DataError, match=r"image 1 of the train split \(1.png\): not a readable"):
        opened.read(1)
    with pytest.raises(DataError, match=r"image 2 of the train split \(2.png\): no bytes"):
        opened.read(2)
    (tmp_path / "test.parquet").write_bytes(b"PAR1 is how a real one starts")
    with pytest.raises(DataError, match="cannot read the test split"):
        open_parquet(tmp_path, "test")


def test_cifar10_as_it_lies(shared_data: Path) -> None:
    opened = open_parquet(shared_data / "data/cifar10", "test")
    assert opened.class_names[0] == "airplane"
    assert opened.class_names[9] == "truck"
    np.testing.assert_array_equal(np.bincount(opened.labels), [1000] * 10)
    assert opened.read(9999).shape == (32, 32, 3)


def test_mnist_as_it_lies(shared_data: Path) -> None:
    opened = open_parquet(shared_data / "data/mnist", "test")
    assert opened.class_names == tuple("0123456789")
    assert opened.images.shape == (3000, 28, 28, 1)


@pytest.mark.parametrize("labels", [None, [0, None, 1, 1, 0, 1], [-1] * 6, list("abcdef")])
def test_without_usable_labels_all_images_are_of_one_class(
    tmp_path: Path, write_parquet: WriteParquet, labels: list[object] | None
) -> None:
    images = colours(6)
    data = [png(image) for image in images]
    write_parquet(tmp_path / "train.parquet", data, labels)
    write_parquet(tmp_path / "test.parquet", data[:2], labels and labels[:2])
    with pytest.raises(DataError, match="label"):
        open_parquet(tmp_path, "train")
    opened = open_parquet(tmp_path, "train", labelled=False)
    assert opened.class_names == ("unlabelled",)
    np.testing.assert_array_equal(opened.labels, [0] * 6)
    np.testing.assert_array_equal(opened.images, images)
    assert len(open_parquet(tmp_path, "test", labelled=False)) == 2
    with pytest.raises(DataError, match="no split 'val'; there are: test, train"):
        open_parquet(tmp_path, "val", labelled=False)


def test_of_a_train_split_alone_some_are_held_out(
    tmp_path: Path, write_parquet: WriteParquet
) -> None:
    images = colours(7)
    path = write_parquet(tmp_path / "train.parquet", [png(image) for image in images], None)
    train, test = (open_parquet(tmp_path, split, labelled=False) for split in ("train", "val"))
    np.testing.assert_array_equal(test.images, images[[1, 6]])
    np.testing.assert_array_equal(train.images, images[[0, 2, 3, 4, 5]])
    assert train.fingerprint != test.fingerprint
    write_parquet(path, [png(image) for image in images], [0, 1, 1, 1, 0, 0, 0], ["ant", "bee"])
    test = open_parquet(tmp_path, "test", labelled=False)
    assert test.class_names == ("ant", "bee")
    np.testing.assert_array_equal(test.labels, [1, 0])
    with pytest.raises(DataError, match="no split 'test'; there are: train"):
        open_parquet(tmp_path, "test")


def test_labels_that_one_split_lacks(tmp_path: Path, write_parquet: WriteParquet) -> None:
    data = [png(image) for image in colours(2)]
    write_parquet(tmp_path / "train.parquet", data, [0, 1])
    write_parquet(tmp_path / "test.parquet", data, None)
    with pytest.raises(DataError, match="cannot read the labels, column label"):
        open_parquet(tmp_path, "train")
    for split in ("train", "test"):
        assert open_parquet(tmp_path, split, labelled=False).class_names == ("unlabelled",)


def test_validation_files_take_the_place_of_test_files(
    tmp_path: Path, write_parquet: WriteParquet
) -> None:
    data = [png(image) for image in colours(2)]
    write_parquet(tmp_path / "train-00000.parquet", data, [0, 1])
    write_parquet(tmp_path / "validation-00000.parquet", data[:1], [1])
    opened = open_parquet(tmp_path, "test")
    assert (len(opened), opened.split) == (1, "validation")
