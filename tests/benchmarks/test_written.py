import json
import os
from pathlib import Path

from measuring.written import write_json


def test_figures_are_whole_in_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "results" / "figures.json"
    for figures in ({"ms": [1.5, None]}, {"ms": []}):
        write_json(path, figures)
        assert json.loads(path.read_text()) == figures
        assert os.listdir(path.parent) == ["figures.json"]
    write_json(Path("/dev/null"), {})
    assert Path("/dev/null").is_char_device()
