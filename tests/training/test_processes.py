"""Two processes (gloo) train one network and count every test image once."""

from __future__ import annotations

import os
import socket
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


def start(rank: int, port: int, folder: Path) -> subprocess.Popen[str]:
    """Process `rank` of two, in the environment that torchrun and `accelerate launch` set up."""
    environment = {
        "ACCELERATE_USE_CPU": "true",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_two_processes_share_the_images(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [start(rank, port, tmp_path) for rank in range(2)]
    try:
        said = [process.communicate(timeout=300)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], said
    assert "epoch 2/2" in said[0]
    assert "epoch" not in said[1], "only the main process speaks"

    run = load_run(tmp_path)
    test = open_dataset("digits", "test").take(range(361))
    alone = evaluate_model(run.model, test, run.preprocessing)
    assert run.history[-1]["top1"] == alone.top1
    assert run.history[-1]["test_loss"] == pytest.approx(alone.loss, rel=1e-5)
    assert run.history[-1]["train_loss"] < run.history[0]["train_loss"]
