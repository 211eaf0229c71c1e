"""The user's configuration: where it is looked for, what holds, and what is refused by its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import signbit
from signbit.config import Config, config_path, read_config
from signbit.data import open_dataset
from signbit.data.loading.cache import cache_folder
from signbit.data.sources.any_source import absolute_source, source_name
from signbit.training.runs.place import require_place


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "signbit.toml"
    monkeypatch.setenv("SIGNBIT_CONFIG", str(path))
    return path


def test_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("SIGNBIT_CONFIG", "")
    assert config_path() == tmp_path / ".config" / "signbit.toml"
    assert read_config() == Config()
    monkeypatch.setenv("XDG_CONFIG_HOME", "not/absolute")
    assert config_path() == tmp_path / ".config" / "signbit.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert config_path() == tmp_path / "xdg" / "signbit.toml"
    monkeypatch.setenv("SIGNBIT_CONFIG", "~/mine.toml")
    assert config_path() == tmp_path / "mine.toml"
    with pytest.raises(signbit.ConfigError, match=r"mine.toml: no such file, which SIGNBIT_CONFIG"):
        read_config()
    monkeypatch.setenv("SIGNBIT_CONFIG", os.devnull)
    assert read_config() == Config(Path(os.devnull))


def test_what_it_says_holds(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('cache = "here"\nthreads = 3\n[data]\nphotos = "~/p"\nother = "/o"\n')
    monkeypatch.setenv("HOME", "/home/me")
    found = read_config()
    assert (found.path, found.threads) == (file, 3)
    assert found.data == {"photos": Path("/home/me/p"), "other": Path("/o")}
    monkeypatch.delenv("SIGNBIT_CACHE")
    assert cache_folder() == file.parent / "here"
    monkeypatch.setenv("SIGNBIT_CACHE", "/elsewhere")
    assert cache_folder() == Path("/elsewhere")
    assert (absolute_source("photos"), source_name("photos")) == ("/home/me/p", "p")
    assert absolute_source("./photos") == str(Path.cwd() / "photos")
    with pytest.raises(signbit.DataError, match="/o: no such folder"):
        open_dataset("other", "train")


def test_no_run_begins_among_images_that_have_a_name(file: Path) -> None:
    file.write_text('data = {photos = "p"}')
    (file.parent / "p").mkdir()
    with pytest.raises(signbit.CheckpointError, match="inside the folder of the images"):
        require_place(file.parent / "p" / "run", "photos")


def test_digits_stay_digits(file: Path) -> None:
    file.write_text('data = {digits = "/d"}')
    assert absolute_source("digits") == "digits"
    assert len(open_dataset("digits", "test").class_names) == 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("threads = 1\ncash = 2\n", ", line 2: cash: unknown key; the keys are cache, threads, "),
        ("\n[dta]\na = 1\n", ", line 2: dta: unknown key"),
        ("threads = 0", ", line 1: threads: must be a whole number, 1 to 1024"),
        ("threads = true", ", line 1: threads: must be a whole number"),
        ("threads = 2.0", ", line 1: threads: must be a whole number"),
        ("cache = 3", ", line 1: cache: must be a folder in quotes"),
        ("cache = ' '", ", line 1: cache: must be a folder in quotes"),
        ("data = 'a'", ", line 1: data: must be a table"),
        ("[data]\na = 1", ", line 2: a: must be a folder in quotes"),
        ("[data]\n\n'a/b' = 'c'", ", line 3: a/b: a name of data is of letters"),
        ("data.a = []", ", line 1: a: must be a folder in quotes"),
        ("threads = 1\nthreads\n", ": is no TOML: .*line 2"),
        ("a = 1\na = 2\n", ": is no TOML: .*line 2"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(signbit.ConfigError, match=rf"signbit\.toml{said}"):
        read_config()


def test_bytes_that_are_no_text_and_folders_are_refused(file: Path) -> None:
    file.write_bytes(b"a = '\xff'")
    with pytest.raises(signbit.ConfigError, match="is no TOML"):
        read_config()
    file.unlink()
    file.mkdir()
    with pytest.raises(signbit.ConfigError, match="cannot be read"):
        read_config()
