"""Streams that are closed, full or no longer read, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from signbit.cli.main import CUT_OFF, MISTAKE

COMMANDS = [["--version"], ["bench", "--help"], ["nope", "--json"]]

commands = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


def start(words: list[str], redirections: str, **options: object) -> subprocess.CompletedProcess:
    """`signbit WORDS REDIRECTIONS`, as a shell starts it."""
    command = ["sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, "-m", "signbit"]
    return subprocess.run([*command, *words], text=True, stderr=subprocess.PIPE, **options)


@commands
def test_nobody_reads_any_more(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = start(words, "", stdout=writer)
    os.close(writer)
    assert done.returncode == CUT_OFF == 128 + 13
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "error" not in done.stderr or "nope" in done.stderr


@commands
@pytest.mark.parametrize(
    ("redirection", "why"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left")]
)
def test_stdout_takes_nothing(words: list[str], redirection: str, why: str) -> None:
    done = start(words, redirection)
    assert done.returncode == MISTAKE
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"signbit: error: standard output: {why}")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_no_stream_at_all() -> None:
    done = start(["--version"], "<&- >&- 2>&-")
    assert (done.returncode, done.stderr) == (MISTAKE, "")
    done = start(["bench", "nowhere.sbnn"], "2>&-")
    assert done.returncode == MISTAKE


def test_no_file_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "from signbit.cli import streams; import sys; streams.open_closed_ones();"
        "file = open(sys.argv[1], 'w'); sys.exit(file.fileno())"
    )
    closed = 'exec "$@" <&- >&- 2>&-'
    command = ["sh", "-c", closed, "sh", sys.executable, "-c", code, str(tmp_path / "file")]
    assert subprocess.run(command).returncode > 2
