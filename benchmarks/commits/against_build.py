"""A commit's package, built into a folder of its own beside the environment's dependencies."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["built", "commit_of", "environment", "working_tree"]

REPOSITORY = Path(__file__).resolve().parents[2]


def commit_of(revision: str) -> str:
    """The commit that `revision` names. SystemExit where there is none."""
    asked = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    if asked.returncode:
        raise SystemExit(f"{revision!r} is no commit of this repository")
    return asked.stdout.strip()


def working_tree() -> str:
    """A commit of the tracked files as they are; the branch does not move."""
    return commit_of(_git("stash", "create").decode().strip() or "HEAD")


def built(commit: str) -> Path:
    """The folder with `commit`'s package, built the first time that it is asked for."""
    folder = REPOSITORY / "build" / "against" / commit[:12]
    if (folder / ".built").exists():
        return folder
    print(f"building {commit[:12]}", file=sys.stderr, flush=True)
    with TemporaryDirectory() as sources:
        with tarfile.open(fileobj=BytesIO(_git("archive", commit))) as archive:
            archive.extractall(sources, filter="data")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
        subprocess.run([*pip, "--target", str(folder), sources], check=True)
    (folder / ".built").touch()
    return folder


def environment(folder: Path) -> tuple[list[str], str]:
    """The interpreter with its options, and PYTHONPATH, that import the package in `folder`.

    Without `site` no editable install of signbit steps before it.
    """
    paths = [str(folder), str(Path(__file__).parents[1]), sysconfig.get_paths()["purelib"]]
    return [sys.executable, "-S"], ":".join(paths)


def _git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, check=True, capture_output=True
    ).stdout
