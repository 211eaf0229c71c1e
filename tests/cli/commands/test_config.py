from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Cli


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "signbit.toml"
    monkeypatch.setenv("SIGNBIT_CONFIG", str(path))
    return path


def test_it_shows_what_holds_and_who_says_so(cli: Cli, file: Path) -> None:
    file.write_text('threads = 3\n[data]\nphotos = "/p"\n')
    found = cli("config", "--json").figures
    assert found["config"] == str(file)
    rows = {row["name"]: (row["set_to"], row["set_by"]) for row in found["settings"]}
    assert rows["threads"] == ("3", str(file))
    assert rows["data.photos"] == ("/p", str(file))
    assert rows["cache"][1] == "SIGNBIT_CACHE"
    assert "data.photos" in cli("config").out


def test_threads_of_the_engine_are_those_unless_a_command_says(
    cli: Cli, file: Path, model_file: Path
) -> None:
    file.write_text("threads = 2")
    asked = ("bench", model_file, "--runs", "2", "--json")
    assert cli(*asked).figures["threads"] == 2
    assert cli(*asked, "--threads", "1").figures["threads"] == 1


def test_a_mistake_is_one_line_and_help_stays(cli: Cli, file: Path, model_file: Path) -> None:
    file.write_text("thread = 2")
    words = "line 1: thread: unknown key; the keys are cache, threads, data"
    assert words in cli("config").mistake
    assert words in cli("bench", model_file).mistake
    assert cli("bench", "--help").code == 0
