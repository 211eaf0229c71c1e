"""Training without labels by two processes (gloo) against one in float64; one that is killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file
from tests.training import worlds

# 17 images per step and 361 test images do not divide by two.
COMMON = """
import os, signal, sys, time
from datetime import timedelta
from pathlib import Path
import sklearn.datasets, torch, torch._dynamo  # once for all forks
import worlds
from signbit.selfsup.pretraining import pretrain
from signbit.selfsup.selfsup_task import SelfSupervised
from signbit.training import images, processes
from signbit.training.recipe.parsing import apply_overrides, parse_recipe

out = Path(sys.argv[1])
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
real_open = images.open_dataset

def odd(source, split, **how):
    opened = real_open(source, split, **how)
    return opened.take(range(361)) if split == "test" else opened

images.open_dataset = odd
VALUES = {
    "description": "a test", "network": "digits", "method": {"name": "bnn"},
    "data": {"source": "digits", "mean": [0.5], "std": [0.5]},
    "selfsup": {
        "head": {"hidden": 16, "out": 8},
        "contrastive": {"queue": 50, "momentum": 0.9, "temperature": 0.2},
        "views": {
            "crop_area": 0.3, "jitter_probability": 0.5, "gray_probability": 0.0,
            "blur_probability": 0.2,
        },
    },
    "epochs": 2, "batch_size": 17, "train_images": 119,
    "optimizer": {"name": "adam", "lr": 0.003, "weight_decay": 0.0}, "schedule": "linear",
}

def work(name, *overrides):
    pretrain(parse_recipe(apply_overrides(VALUES, overrides), "mine"), None, out / name)
"""

EQUAL = """
worlds.run(1, lambda: work("teacher", "method.name=real", "epochs=1"))
for world in (1, 2):
    guided = f"selfsup.guided={{teacher: {out / 'teacher'}, temperature: 0.2}}"
    worlds.run(world, lambda: work(f"both{world}", guided))
"""


def history(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_have_the_losses_and_the_queue_of_one(tmp_path: Path) -> None:
    worlds.run_script(COMMON + EQUAL, tmp_path)
    for ours, theirs in zip(history(tmp_path / "both2"), history(tmp_path / "both1"), strict=True):
        assert {*ours} == {*theirs}
        for key in ours:
            if key not in ("seconds", "images_per_second", "wait") and "inputs/" not in key:
                assert ours[key] == pytest.approx(theirs[key], rel=0, abs=1e-9), key
    one, two = (
        load_file(tmp_path / f"both{world}/checkpoints/epoch-0002/state.safetensors")
        for world in (1, 2)
    )
    assert {*one} == {*two}
    for name in ("model.queue.keys", "model.queue.pointer"):
        assert float((one[name] - two[name]).abs().max()) < 1e-9


KILLED = """
after_step = SelfSupervised.after_step

def slowly(self):
    after_step(self)
    time.sleep(0.05)

def slow():
    SelfSupervised.after_step = slowly
    processes.TIMEOUT = timedelta(seconds=3)
    work("killed", "epochs=3")

worlds.run(2, lambda: work("whole", "epochs=3"))
pids = worlds.start(2, slow, out / "said")
worlds.wait_for(out / "killed/checkpoints/epoch-0001")
time.sleep(0.1)
os.kill(pids[1], signal.SIGKILL)
assert worlds.wait(pids, 30) == [1, -signal.SIGKILL]
assert not (out / "killed/checkpoints/epoch-0003").exists()
worlds.run(2, lambda: work("killed", "epochs=3"))
"""


@pytest.mark.slow
def test_a_killed_process_ends_the_other_and_the_restart_reaches_the_same_bytes(
    tmp_path: Path,
) -> None:
    worlds.run_script(COMMON + KILLED, tmp_path)
    assert "another process of this training was killed" in (tmp_path / "said").read_text()
    whole, killed = (
        tmp_path / name / "checkpoints/epoch-0003/state.safetensors" for name in ("whole", "killed")
    )
    assert whole.read_bytes() == killed.read_bytes()
