"""How many instructions a program executes under QEMU, on a board or in its user mode."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.boards import BOARDS
from edge.programs import Subject, expected, outputs, write_program

__all__ = ["Counter", "build_plugin", "counted", "version"]

PLUGIN = Path(__file__).parent / "instructions.c"


def build_plugin(folder: Path) -> Path:
    """QEMU's plugin that counts, built in a folder."""
    plugin = folder / "instructions.so"
    flags = ["-O2", "-shared", "-fPIC", "-fvisibility=hidden"]
    flags += ["-Wl,--unresolved-symbols=ignore-all", "-o", str(plugin)]
    subprocess.run(["gcc", str(PLUGIN), *flags], check=True, capture_output=True)
    return plugin


def counted(plugin: Path, emulator: Sequence[str], *program: object) -> tuple[int, bytes]:
    """Instructions of a program in QEMU's user mode, and what it prints.

    Raises subprocess.CalledProcessError where it fails.
    """
    log = plugin.with_suffix(".log")
    plugged = ["-plugin", str(plugin), "-d", "plugin", "-D", str(log)]
    command = [*emulator, *plugged, *map(str, program)]
    done = subprocess.run(command, check=True, capture_output=True)
    return int(log.read_text().split()[-1]), done.stdout


class Counter:
    """Counts on boards, in a folder of its own, in which QEMU's plugin is built."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._plugin = build_plugin(folder)

    def count(self, board: str, subject: Subject, times: int = 1) -> int:
        """Of a program that runs every sample so often. Its answers must be the engine's."""
        folder = self.folder / "counted"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        sources = write_program([subject], folder, times)
        program = BOARDS[board].build(sources, folder / "program")
        log = folder / "log"
        plugged = ["-plugin", str(self._plugin), "-d", "plugin", "-D", str(log)]
        text = BOARDS[board].run(program, *plugged)
        for name, array in expected(subject).items():
            np.testing.assert_array_equal(outputs(text, [subject])[0][name], array)
        return int(log.read_text().split()[-1])


def version(tool: str) -> str:
    """The first line of what a tool says of itself that has a number."""
    said = subprocess.run([tool, "--version"], check=True, capture_output=True, text=True).stdout
    return next(line.strip() for line in said.splitlines() if re.search(r"\d", line))
