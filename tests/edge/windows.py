"""The core for Windows, built with MinGW, and its programs under Wine.

The build and Wine's own folder stay in build/edge. Wine takes seconds to start, so many programs
run in one go.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.edge.tools import require

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "edge" / "windows"
TOOLCHAIN = ROOT / "tools" / "toolchains" / "mingw.cmake"
WINE = "/usr/lib/wine/wine64"


def require_windows() -> None:
    """Skips where a tool is missing."""
    tools = ("x86_64-w64-mingw32-g++-posix", WINE, "cmake", "ninja")
    require([tool for tool in tools if shutil.which(tool) is None])


def build() -> Path:
    """The folder with the libraries and the native tests; skips where tools are missing."""
    require_windows()
    options = {
        "CMAKE_TOOLCHAIN_FILE": TOOLCHAIN,
        "SIGNBIT_PYTHON": "OFF",
        "SIGNBIT_NATIVE_TESTS": "ON",
    }
    if shutil.which("ccache"):
        options["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    settings = [f"-D{name}={value}" for name, value in options.items()]
    said = ["cmake", "-G", "Ninja", "-S", ROOT, "-B", BUILD, *settings]
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:  # of tests that run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(said, check=True, capture_output=True)
        subprocess.run(["ninja", "-C", BUILD, "--quiet"], check=True)
    return BUILD


@dataclass(frozen=True)
class Ran:
    """What a program printed."""

    code: int
    output: bytes
    errors: str


def run_all(commands: Sequence[Sequence[object]], folder: Path) -> list[Ran]:
    """Programs and their arguments, run one after the other in a folder. Paths are kept as given:
    those of the arguments should be relative to the folder."""
    lines = ["@echo off"]
    for number, (program, *arguments) in enumerate(commands):
        words = ["Z:" + str(program).replace("/", "\\"), *map(str, arguments)]
        quoted = " ".join(f'"{word}"' for word in words)
        lines += [f"{quoted} >{number}.out 2>{number}.err", f"call echo %%ERRORLEVEL%%>{number}.rc"]
    lines.append("exit /b 0")
    (folder / "run.bat").write_text("\r\n".join(lines) + "\r\n")
    environment = {name: value for name, value in os.environ.items() if name != "SIGNBIT_ISA"}
    environment |= {
        "WINEPREFIX": str(ROOT / "build" / "edge" / "wine"),
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=",  # asks for nothing to install
    }
    command = [WINE, "cmd", "/c", "run.bat"]
    subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True)

    def read(number: int) -> Ran:
        code, output, errors = (folder / f"{number}.{end}" for end in ("rc", "out", "err"))
        return Ran(int(code.read_text()), output.read_bytes(), errors.read_text())

    return [read(number) for number in range(len(commands))]
