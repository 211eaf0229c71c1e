"""The shared library, linked in the build folder that `make` leaves."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

import pytest
from tests.native.library import Library

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "build" / "native"


@pytest.fixture(scope="session")
def library_tree() -> Path:
    """The build folder, with both libraries in it."""
    if not (TREE / "build.ninja").exists():
        pytest.skip(f"no build folder at {TREE}; `make test` leaves one")
    with (TREE / ".library.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = ["cmake", "--build", str(TREE), "--target", "signbit_core", "signbit_shared"]
        subprocess.run(command, check=True, capture_output=True)
    return TREE


@pytest.fixture(scope="session")
def library_path(library_tree: Path) -> Path:
    return library_tree / "libsignbit.so"


@pytest.fixture(scope="session")
def library(library_path: Path) -> Library:
    return Library(library_path)


@pytest.fixture(scope="session")
def installed(library_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make library` makes."""
    folder = tmp_path_factory.mktemp("installed")
    command = ["cmake", "--install", str(library_tree), "--component", "library", "--strip"]
    subprocess.run([*command, "--prefix", str(folder)], check=True, capture_output=True)
    return folder
