import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data.conftest import colours, png

from signbit.data.sources.hub import open_hub
from signbit.errors import DataError

datasets = pytest.importorskip("datasets")


def hub_table(labels: tuple[int | None, ...] = (1, 0, 1)) -> Any:
    features = datasets.Features(
        {"photo": datasets.Image(), "species": datasets.ClassLabel(names=["fox", "owl"])}
    )
    rows = {
        "photo": [{"bytes": png(image), "path": None} for image in colours(len(labels))],
        "species": list(labels),
    }
    return datasets.Dataset.from_dict(rows, features=features)


def test_images_labels_and_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(name: str, split: None) -> Any:
        asked.append(name)
        return datasets.DatasetDict({"train": hub_table(), "validation": hub_table((1,))})

    monkeypatch.setattr(datasets, "load_dataset", load)
    opened = open_hub("someone/animals", "train")
    assert asked == ["someone/animals"]
    assert len(open_hub("someone/animals", "test")) == 1  # of the validation split
    np.testing.assert_array_equal(opened.images, colours(3))
    np.testing.assert_array_equal(opened.labels, [1, 0, 1])
    assert opened.class_names == ("fox", "owl")


@pytest.mark.parametrize("error", [ConnectionError("offline"), ValueError("Unknown split")])
def test_what_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def load(name: str, split: str) -> Any:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(DataError, match=r"hub:a/b: cannot load the test split"):
        open_hub("a/b", "test")


def test_without_a_network_nothing_is_tried_twice(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(datasets.config, "HF_MODULES_CACHE", tmp_path)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waited"))
    reason = r"hub:a/b: cannot load the test split \(no network: .*; .* name its folder with --data"
    with pytest.raises(DataError, match=reason):
        open_hub("a/b", "test")
    assert capfd.readouterr() == ("", "")
    assert not datasets.config.HF_HUB_OFFLINE


def test_a_table_without_images_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    table = datasets.Dataset.from_dict({"text": ["hello"]})
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: {"train": table})
    with pytest.raises(DataError, match="its features are: text"):
        open_hub("a/b", "train")


@pytest.mark.parametrize("labels", [None, (1, None, 0), (1, -1, 0)])
def test_labels_may_be_missing_where_none_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, labels: tuple[int | None, ...] | None
) -> None:
    table = hub_table().remove_columns("species") if labels is None else hub_table(labels)
    tables = datasets.DatasetDict({"train": table, "test": hub_table()})

    def load(name: str, split: str | None) -> Any:
        return tables if split is None else tables[split]

    monkeypatch.setattr(datasets, "load_dataset", load)
    opened = open_hub("a/b", "train", labelled=False)
    assert opened.class_names == ("unlabelled",)
    np.testing.assert_array_equal(opened.images, colours(3))
    assert open_hub("a/b", "test", labelled=False).class_names == ("fox", "owl")
    with pytest.raises(DataError, match="hub:a/b: no split 'val'; there are: train, test"):
        open_hub("a/b", "val", labelled=False)
    with pytest.raises(DataError, match=r"(no class label|1 image .* without a label).*are needed"):
        open_hub("a/b", "train")


def test_of_a_train_split_alone_some_are_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = datasets.DatasetDict({"train": hub_table((0, 1, 0, 1, 1))})
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: tables)
    train, test = (open_hub("a/b", split, labelled=False) for split in ("train", "test"))
    assert (len(train), test.labels.tolist()) == (3, [0, 1])
    np.testing.assert_array_equal(test.images, colours(5)[[2, 3]])


def test_images_that_the_table_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a folder that the library opens: the files count, and one that is gone is named."""
    for index, image in enumerate(colours(4)):
        (tmp_path / "photos/train" / "ab"[index % 2]).mkdir(parents=True, exist_ok=True)
        (tmp_path / f"photos/train/{'ab'[index % 2]}/{index}.png").write_bytes(png(image))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    opened = open_hub(str(tmp_path / "photos"), "train")
    np.testing.assert_array_equal(opened.images, colours(4)[[0, 2, 1, 3]])
    path = tmp_path / "photos/train/b/3.png"
    path.write_bytes(png(colours(5)[4]))
    changed = open_hub(str(tmp_path / "photos"), "train")
    assert changed.fingerprint != opened.fingerprint
    path.unlink()
    with pytest.raises(DataError, match=r"3\.png cannot be read \(No such file"):
        changed.read(3)
