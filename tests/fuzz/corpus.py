"""Writes the samples as files, for the fuzzers of native/fuzz to begin with.

usage: python -m tests.fuzz.corpus FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bitformat.files import raw_file
from tests.bitformat.samples import SAMPLES


def write_corpus(folder: Path) -> list[Path]:
    """One file per sample, named after it; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, make in SAMPLES.items():
        path = folder / f"{name}.sbnn"
        path.write_bytes(raw_file(*make()))
        paths.append(path)
    return paths


if __name__ == "__main__":
    write_corpus(Path(sys.argv[1]))
