"""A disk that is full: the file is named, in one line, and nothing of it is left."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.conftest import Cli


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """What ends a write as a full disk does; what is said goes into a file, too."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_what_commands_write_from_a_run(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    for arguments, named in (
        (("curves", run_folder, "-o", tmp_path / "c.png"), "c.png: File too large"),
        (("report", run_folder, "-o", tmp_path / "r.html"), "r.html: File too large"),
        (("compile", run_folder, "-o", tmp_path / "m.sbnn", "--images", "1"), "m.sbnn: File too"),
        (
            ("finetune", run_folder, "--labels", "1", "--out", tmp_path / "tuned", "epochs=1"),
            "tuned/start.safetensors: cannot be written (File too large)",
        ),
    ):
        with no_file_beyond(2000):
            result = cli(*arguments)
        assert named in result.mistake
        assert not list(tmp_path.rglob("*"))


def test_a_comparison_s_table(cli: Cli, tmp_path: Path) -> None:
    arguments = ("compare", "bnn", "--data", "digits", "--out", tmp_path / "c")
    short = ("epochs=1", "train_images=64")
    assert cli(*arguments, *short).code == 0
    before = {path: path.read_bytes() for path in tmp_path.glob("c/*.*")}
    with no_file_beyond(600):
        mistake = cli(*arguments, *short).mistake
    assert "c/table.json: cannot be written (File too large)" in mistake
    assert {path: path.read_bytes() for path in tmp_path.glob("c/*.*")} == before
