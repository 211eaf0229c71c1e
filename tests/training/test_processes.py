"""Two processes (gloo) train one network and count every test image once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from signbit.data import open_dataset
from signbit.training import evaluate_model, load_run

# 361 test images do not divide by two, nor 33 a step.
SCRIPT = """
import sys
import torch
from signbit import recipes
from signbit.training import supervised

torch.set_num_threads(1)
real = supervised.open_dataset

def odd(source, split):
    opened = real(source, split)
    return opened.take(range(361)) if split == "test" else opened

supervised.open_dataset = odd
recipe = recipes.load("sdbnn-digits", ["epochs=2", "train_images=330", "batch_size=33"])
supervised.train(recipe, None, sys.argv[1])
"""


@pytest.mark.slow
def test_two_processes_share_the_images(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    launch = ["torch.distributed.run", "--nproc-per-node=2", "--master-port=0"]
    done = subprocess.run(
        [sys.executable, "-m", *launch, str(script), str(tmp_path / "run")],
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("epoch 2/2") == 1, "only the main process speaks"

    run = load_run(tmp_path / "run")
    test = open_dataset("digits", "test").take(range(361))
    alone = evaluate_model(run.model, test, run.preprocessing)
    assert run.history[-1]["top1"] == alone.top1
    assert run.history[-1]["test_loss"] == pytest.approx(alone.loss, rel=1e-5)
    assert run.history[-1]["train_loss"] < run.history[0]["train_loss"]
