"""A training process killed with SIGKILL goes on to the numbers of an unbroken one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from signbit.training import load_run

# A pause at each step gives the test time to kill in the middle of an epoch.
SCRIPT = """
import sys, time
import torch
from signbit import recipes
from signbit.training.supervised import supervised_task as task, train as supervised

torch.set_num_threads(1)
after_step = task.Supervised.after_step

def slowly(self):
    after_step(self)
    time.sleep(float(sys.argv[1]))

task.Supervised.after_step = slowly
recipe = recipes.load("sdbnn-digits", ["epochs=3", "train_images=320", "batch_size=16"])
for folder in sys.argv[2:]:
    supervised.train(recipe, None, folder)
"""


def start(*folders: Path, seconds_a_step: float = 0.0) -> subprocess.Popen[bytes]:
    """A new interpreter that trains one run after the other."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(seconds_a_step), *map(str, folders)],
        stderr=subprocess.DEVNULL,
    )


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, "the process ended before it could be killed"
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.01)


@pytest.mark.slow
def test_sigkill_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(killed, seconds_a_step=0.04)
    wait_for(killed / "checkpoints/epoch-0001", process)
    time.sleep(0.2)  # some five of the next epoch's twenty steps, at most
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert load_run(killed).epoch == 1
    assert start(whole, killed).wait() == 0

    left, right = (path / "checkpoints/epoch-0003/state.safetensors" for path in (whole, killed))
    assert left.read_bytes() == right.read_bytes()
    expected = load_run(whole).model.state_dict()
    for name, value in load_run(killed).model.state_dict().items():
        assert torch.equal(value, expected[name]), name
    for ours, theirs in zip(load_run(killed).history, load_run(whole).history, strict=True):
        for key in ("epoch", "train_loss", "top1", "test_loss", "lr"):
            assert ours[key] == theirs[key]
    assert sorted(os.listdir(killed / "checkpoints")) == ["epoch-0002", "epoch-0003"]
