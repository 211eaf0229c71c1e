"""The lines of docs/training.md for two processes on one machine, by the installed commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from signbit.training import load_run

TORCHRUN = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
ACCELERATE = [
    "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1", "--num_processes", "2",
    "--mixed_precision", "no", "--dynamo_backend", "no", "--no_python",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [TORCHRUN, ACCELERATE], ids=["torchrun", "accelerate"])
def test_two_processes_train_one_run(launcher: list[str], tmp_path: Path) -> None:
    signbit = Path(sysconfig.get_path("scripts")) / "signbit"
    assert signbit.exists(), "signbit is not installed in this environment"
    command = [
        *[sys.executable, "-m", *launcher, str(signbit), "train", "sdbnn-digits"],
        *["--out", "runs/a", "epochs=1", "train_images=66", "batch_size=33", "--json"],
    ]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("epoch 1/1") == 1, "one process speaks"
    assert json.loads(done.stdout)["epochs"] == 1, "and prints one object"
    assert load_run(tmp_path / "runs/a").finished
    assert json.loads((tmp_path / "runs/a/run.json").read_text())["processes"] == 2
