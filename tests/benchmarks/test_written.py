import json
import os
from pathlib import Path

import pytest

from measuring.written import resumed, write_json


def test_figures_are_whole_in_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "results" / "figures.json"
    for figures in ({"ms": [1.5, None]}, {"ms": []}):
        write_json(path, figures)
        assert json.loads(path.read_text()) == figures
        assert os.listdir(path.parent) == ["figures.json"]
    write_json(Path("/dev/null"), {})
    assert Path("/dev/null").is_char_device()


def test_a_run_goes_on_with_what_is_there_on_the_same_machine(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    new = {"machine": {"date": "today", "torch": "2"}, "found": {}}
    assert resumed(path, new) is new
    write_json(path, {"machine": {"date": "before", "torch": "2"}, "found": {"a": 1}})
    assert resumed(path, new)["found"] == {"a": 1}
    with pytest.raises(SystemExit, match="made with torch 2, this is 3; remove the file"):
        resumed(path, {"machine": {"date": "today", "torch": "3"}})
