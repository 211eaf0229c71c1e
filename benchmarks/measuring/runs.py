"""Trainings that a benchmark starts: through the installed command, and what their folders say."""

from __future__ import annotations

import json
import statistics
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

__all__ = ["figures_of", "signbit"]


def signbit(*words: str) -> None:
    """Run the command `signbit`. Raises CalledProcessError where it fails."""
    subprocess.run([str(Path(sysconfig.get_path("scripts")) / "signbit"), *words], check=True)


def figures_of(out: Path) -> dict[str, Any]:
    """Of a finished run in `out`: top-1 by epoch over its stages, and how long it took.

    minutes: from the first stage's beginning to the end of its last epoch, tests and waits
    included, where nothing interrupted it; training_minutes: of the epochs' steps alone.
    """
    folders = [*sorted(out.glob("stage-*")), out]
    histories = [
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in folders
    ]
    epochs = [entry for history in histories for entry in history]
    begun = (folders[0] / "recipe.yaml").stat().st_mtime
    ended = (folders[-1] / "metrics.jsonl").stat().st_mtime
    return {
        "top1": epochs[-1]["top1"],
        "top1_by_epoch": [entry["top1"] for entry in epochs],
        "train_loss": epochs[-1]["train_loss"],
        "minutes": (ended - begun) / 60,
        "training_minutes": sum(entry["seconds"] for entry in epochs) / 60,
        "images_per_second": statistics.median(entry["images_per_second"] for entry in epochs),
    }
