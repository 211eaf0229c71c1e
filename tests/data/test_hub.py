from typing import Any

import numpy as np
import pytest
from tests.data.conftest import colours, png

from signbit.data.hub import open_hub
from signbit.errors import DataError

datasets = pytest.importorskip("datasets")


def hub_table() -> Any:
    features = datasets.Features(
        {"photo": datasets.Image(), "species": datasets.ClassLabel(names=["fox", "owl"])}
    )
    rows = {
        "photo": [{"bytes": png(image), "path": None} for image in colours(3)],
        "species": [1, 0, 1],
    }
    return datasets.Dataset.from_dict(rows, features=features)


def test_images_labels_and_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(name: str, split: str) -> Any:
        asked.append((name, split))
        return hub_table()

    monkeypatch.setattr(datasets, "load_dataset", load)
    opened = open_hub("someone/animals", "train")
    assert asked == [("someone/animals", "train")]
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


def test_a_table_without_images_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    table = datasets.Dataset.from_dict({"text": ["hello"]})
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: table)
    with pytest.raises(DataError, match="its features are: text"):
        open_hub("a/b", "train")
