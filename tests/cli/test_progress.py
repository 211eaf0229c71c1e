"""The bar of long commands: on a terminal alone, and never in what a program reads."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

CODE = """
import sys
from signbit.cli.progress import progress
with progress("photos", 40, lines={lines}) as done:
    for index in range(40):
        print(index)
        done(index + 1)
"""


def shown(lines: bool, stdout: int | None = None) -> str:
    """What a terminal shows of stderr."""
    terminal, stderr = pty.openpty()
    command = [sys.executable, "-c", CODE.format(lines=lines)]
    done = subprocess.run(command, stdout=stdout or subprocess.PIPE, stderr=stderr, timeout=100)
    os.close(stderr)
    assert done.returncode == 0
    if stdout is None:
        assert done.stdout.split() == [str(index).encode() for index in range(40)]
    os.set_blocking(terminal, False)
    parts = []
    try:
        while part := os.read(terminal, 65536):
            parts.append(part)
    except OSError:
        os.close(terminal)
    return b"".join(parts).decode()


def test_a_terminal_shows_how_far_it_is() -> None:
    for lines in (False, True):
        assert "photos" in shown(lines)
        assert "40/40" in shown(lines)


def test_lines_on_the_same_terminal_are_enough() -> None:
    _, stdout = pty.openpty()
    assert "photos" not in shown(True, stdout)
    assert "photos" in shown(False, stdout)


@pytest.mark.parametrize("lines", [False, True])
def test_without_a_terminal_there_is_none(lines: bool) -> None:
    command = [sys.executable, "-c", CODE.format(lines=lines)]
    done = subprocess.run(command, capture_output=True, timeout=100, check=True)
    assert done.stderr == b""
