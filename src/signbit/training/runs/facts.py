"""What a run folder records beside the recipe."""

from __future__ import annotations

import platform
from importlib import metadata
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
        },
        "threads": torch.get_num_threads(),
        "processes": processes,
    }


def _signbit_version() -> str:
    try:
        return metadata.version("signbit")
    except metadata.PackageNotFoundError:
        return "not installed (source tree)"
