"""Runs a compiled network in a process that cannot import PyTorch; `signbit demo` starts it.

    python -m signbit.cli.without_torch MODEL.sbnn IMAGES.npy LOGITS.npy

prints one JSON object: ms_per_image (median, one image per call), threads, isa.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

import signbit
from signbit.cli.scoring import logits, time_calls
from signbit.errors import SignbitError

__all__ = ["main"]

RUNS = 50


def main(model: str, images_file: str, logits_file: str) -> None:
    """Write the logits of every image and print how long one image takes."""
    engine = signbit.load(Path(model))
    images = np.load(images_file, allow_pickle=False)
    np.save(logits_file, logits(engine, images))
    timing = time_calls(engine, images[:1], RUNS)
    print(json.dumps({"ms_per_image": timing.median, "threads": engine.threads, "isa": engine.isa}))


if __name__ == "__main__":
    assert "torch" not in sys.modules, "the engine must not import PyTorch"
    sys.modules["torch"] = None  # type: ignore[assignment]  # any later import of it fails
    try:
        main(*sys.argv[1:])
    except SignbitError as error:
        sys.exit(f"signbit: {error}")
