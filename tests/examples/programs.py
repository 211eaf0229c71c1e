"""The example programs as processes, on a small network and photographs of known answers."""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image
from tests.bitformat.samples import sample_bytes

import signbit

__all__ = ["ENGINE", "EXAMPLES", "imported", "photograph", "started", "write_model"]

LOCAL = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # else they wait for all that is busy on the machine
    "SPARK_LOCAL_IP": "127.0.0.1",
    "SPARK_LOCAL_HOSTNAME": "localhost",
}
"""Ray and Spark talk to this machine alone."""
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ENGINE = signbit.load(sample_bytes(), threads=1)


def photograph(seed: int, kind: str = "PNG", size: tuple[int, int] = (9, 8), **more: Any) -> bytes:
    """A file of this kind with random pixels, (width, height)."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **more)
    return file.getvalue()


def write_model(folder: Path) -> Path:
    path = folder / "model.sbnn"
    path.write_bytes(sample_bytes())
    return path


def imported(name: str) -> ModuleType:
    """An example program as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def started(program: str, *words: object, **environment: str) -> subprocess.Popen[str]:
    """The program, with what it prints in one pipe."""
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / f"{program}.py"), *map(str, words)],
        env={**os.environ, **LOCAL, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
