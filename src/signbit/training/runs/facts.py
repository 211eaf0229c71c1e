"""What a run folder records beside the recipe."""

from __future__ import annotations

import functools
import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.digest import content_digest
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.extensions import imported

__all__ = ["run_facts"]


def run_facts(
    train: ImageDataset,
    preprocessing: Preprocessing,
    processes: int,
    *,
    teacher_digest: str | None = None,
    start_digest: str | None = None,
) -> dict[str, Any]:
    """What a run folder records beside the recipe, as JSON values."""
    return {
        "format": 1,
        "class_names": list(train.class_names),
        "preprocessing": preprocessing.to_json(),
        "source": train.source,
        "train_images": len(train),
        "train_digest": content_digest(train),
        "teacher_digest": teacher_digest,
        "start_digest": start_digest,
        "imports": [each.to_json() for each in imported()],
        "versions": {
            "signbit": _signbit_version(),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "commit": _commit(),
        },
        "threads": torch.get_num_threads(),
        "processes": processes,
    }


def _signbit_version() -> str:
    try:
        return metadata.version("signbit")
    except metadata.PackageNotFoundError:
        return "not installed (source tree)"


@functools.cache
def _commit() -> str | None:
    """The commit of signbit's own sources, with a + where they differ from it; None: not known."""
    try:
        found = metadata.distribution("signbit").read_text("direct_url.json")
        if commit := json.loads(found or "{}").get("vcs_info", {}).get("commit_id"):
            return str(commit)
    except (metadata.PackageNotFoundError, ValueError):
        pass
    git = ["git", "--no-optional-locks", "-C", str(Path(__file__).parent)]
    try:
        # A package that lies in somebody else's repository is no part of it.
        for words in (
            ("ls-files", "--error-unmatch", "facts.py"),
            ("describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+"),
        ):
            said = subprocess.run([*git, *words], capture_output=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.decode().strip()
