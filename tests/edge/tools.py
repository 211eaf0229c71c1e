"""Compilers, emulators and builds of the tests, which skip what a tool is missing for."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["compiler", "npm_packages", "one_at_a_time", "require"]

PACKAGES = Path(__file__).with_name("bundled") / "package.json"
NPM = Path(__file__).parents[2] / "build" / "edge" / "npm"
TIMEOUT = ("--fetch-retries=0", "--fetch-timeout=20000")


def require(missing: Sequence[str]) -> None:
    """Skips where any tool is missing."""
    if missing:
        pytest.skip(f"no {', '.join(missing)}; see tools/install_edge_tools.sh")


def compiler(name: str) -> str:
    """A desktop's C compiler, by its name or with the version that Debian gives it; skips."""
    found = next(filter(shutil.which, (name, f"{name}-14")), "")
    require([] if found else [name])
    return found


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Keeps other processes of the tests from building in a folder meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def npm_packages() -> Path:
    """Where npm's packages are, in the versions of bundled/package.json, installed once; skips."""
    require([tool for tool in ("npm", "node") if shutil.which(tool) is None])
    pinned = PACKAGES.read_bytes()
    with one_at_a_time(NPM):
        done = NPM / "installed.json"
        if not done.is_file() or done.read_bytes() != pinned:
            name, version = next(iter(json.loads(pinned)["devDependencies"].items()))
            view = ["npm", "view", f"{name}@{version}", "version", *TIMEOUT]
            if subprocess.run(view, cwd=NPM).returncode != 0:
                pytest.skip("npm's registry does not answer, from where packages of tests come")
            (NPM / "package.json").write_bytes(pinned)
            install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
            said = subprocess.run(install, cwd=NPM, capture_output=True, text=True)
            assert said.returncode == 0, said.stdout + said.stderr
            done.write_bytes(pinned)
    return NPM / "node_modules"
