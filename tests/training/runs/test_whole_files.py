import os
from pathlib import Path

import pytest

from signbit.errors import CheckpointError
from signbit.training.runs import whole_files


def test_json_round_trip_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    for values in ({"a": [1, 2.5, None]}, {"b": "é"}):
        whole_files.write_json(path, values)
        assert whole_files.read_json(path) == values
    assert os.listdir(tmp_path) == ["facts.json"]


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "facts.json"
    whole_files.write_text(path, "old")

    def fail(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        whole_files.write_text(path, "new")
    assert path.read_text() == "old"


def test_a_write_that_fails_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with (
        pytest.raises(CheckpointError, match=r"taken: cannot be written \(Is a directory\); make"),
        whole_files.writing(tmp_path / "taken"),
    ):
        whole_files.write_text(tmp_path / "taken", "new")
    assert os.listdir(tmp_path) == ["taken"]


def test_of_a_folder_the_file_is_named_that_could_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "run/run.json").mkdir(parents=True)
    with (
        pytest.raises(CheckpointError, match=r"run/run\.json: cannot be written"),
        whole_files.writing(tmp_path / "run"),
    ):
        whole_files.write_json(tmp_path / "run/run.json", {})
