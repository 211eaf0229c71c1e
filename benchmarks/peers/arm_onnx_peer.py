"""ONNX Runtime for 64-bit Arm under QEMU: its environment, and what a network costs in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.counting import build_plugin, counted

__all__ = ["PACKAGES", "install", "instructions"]

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("onnxruntime==1.22.1", "numpy==2.4.6")
WORKER = Path(__file__).with_name("arm_onnx_worker.py")


def install(folder: Path) -> None:
    """Puts Python 3.11 and PACKAGES for Arm into a folder; one that has them is left alone."""
    if (folder / "site").is_dir():
        return
    subprocess.run([REPOSITORY / "tools" / "arm64_python.sh", folder / "python"], check=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--platform", "manylinux_2_28_aarch64", "--python-version", "3.11"]
    command += ["--only-binary", ":all:", "--target", str(folder / "site")]
    subprocess.run([*command, *PACKAGES], check=True)


def instructions(
    environment: Path, folder: Path, cpu: str, model: bytes, inputs: npt.NDArray[np.float32]
) -> int:
    """Of one image more, on a CPU of QEMU's: those of all `inputs` less those of the first.

    environment is `install`'s folder; files are written into another one.
    """
    root = environment / "python"
    emulator = ["env", f"PYTHONPATH={environment / 'site'}"]
    emulator += ["qemu-aarch64", "-L", str(root), "-cpu", cpu]
    (folder / "model.onnx").write_bytes(model)
    np.save(folder / "inputs.npy", inputs)
    plugin = build_plugin(folder)
    program = (root / "usr/bin/python3.11", WORKER, folder / "model.onnx", folder / "inputs.npy")
    few, _ = counted(plugin, emulator, *program, 1)
    many, said = counted(plugin, emulator, *program, len(inputs))
    assert np.isfinite(np.frombuffer(said, np.float32)).all()
    return (many - few) // (len(inputs) - 1)
