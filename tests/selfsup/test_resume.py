"""A pretraining process killed with SIGKILL goes on to the numbers of an unbroken one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# A pause at each step gives the test time to kill in the middle of an epoch.
SCRIPT = """
import sys, time
import torch
from signbit.selfsup.pretraining import pretrain
from signbit.selfsup.selfsup_task import SelfSupervised
from signbit.training.recipe.parsing import parse_recipe

torch.set_num_threads(1)
after_step = SelfSupervised.after_step

def slowly(self):
    after_step(self)
    time.sleep(float(sys.argv[1]))

SelfSupervised.after_step = slowly
recipe = parse_recipe({
    "description": "a test", "network": "digits", "method": {"name": "sdbnn"},
    "data": {"source": "digits", "mean": [0.5], "std": [0.5]},
    "selfsup": {
        "head": {"hidden": 16, "out": 8},
        "contrastive": {"queue": 50, "momentum": 0.9, "temperature": 0.2},
        "views": {
            "crop_area": 0.3, "jitter_probability": 0.5, "gray_probability": 0.0,
            "blur_probability": 0.2,
        },
    },
    "epochs": 3, "batch_size": 8, "train_images": 160,
    "optimizer": {"name": "sgd", "lr": 0.03, "momentum": 0.9, "weight_decay": 0.0},
    "schedule": "cosine",
}, "mine")
for folder in sys.argv[2:]:
    pretrain(recipe, None, folder)
"""


def start(*folders: Path, seconds_a_step: float = 0.0) -> subprocess.Popen[bytes]:
    """A new interpreter that trains one run after the other."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(seconds_a_step), *map(str, folders)],
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_sigkill_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(killed, seconds_a_step=0.03)
    deadline = time.monotonic() + 120
    while not (killed / "checkpoints/epoch-0002").exists():
        assert process.poll() is None, "the process ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.2)  # some of the next epoch's twenty steps
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (killed / "checkpoints/epoch-0003").exists()
    assert start(whole, killed).wait() == 0
    left, right = (path / "checkpoints/epoch-0003/state.safetensors" for path in (whole, killed))
    assert left.read_bytes() == right.read_bytes()
