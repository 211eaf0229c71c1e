"""Two processes (gloo) against one; processes that are killed, freeze, or see another folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.training import worlds

from signbit.data import open_dataset
from signbit.training import evaluate_model, load_run

# 33 images per step and 361 test images do not divide by two.
COMMON = """
import json, os, signal, sys, time
from datetime import timedelta
from pathlib import Path
import sklearn.datasets, torch, torch._dynamo  # once for all forks
import worlds
from safetensors.torch import save_file
from signbit import recipes
from signbit.data.loading.loader import Loader
from signbit.training import images, processes
from signbit.training.supervised import supervised_task as task, train as supervised

out = Path(sys.argv[1])
torch.set_num_threads(1)
real_open = images.open_dataset

def odd(source, split, **how):
    opened = real_open(source, split, **how)
    return opened.take(range(361)) if split == "test" else opened

images.open_dataset = odd
after_step = task.Supervised.after_step

def train(name, *overrides):
    chosen = ["data.augment.flip=true", "train_images=330", "batch_size=33", *overrides]
    supervised.train(recipes.load("sdbnn-digits", chosen), None, out / name)
"""

EQUAL = """
real_epoch = Loader.epoch

def watched(loader, epoch):
    for step, batch in enumerate(real_epoch(loader, epoch)):
        seen.extend([epoch, step, hash(row.tobytes())] for row in batch.images)
        yield batch

def keep_gradients(self):
    after_step(self)
    if not gradients:
        gradients.update({k: p.grad.clone() for k, p in self._model.named_parameters()})

Loader.epoch = watched
task.Supervised.after_step = keep_gradients
seen, gradients = [], {}

def work(name, dtype, epochs):
    torch.set_default_dtype(dtype)
    train(name, f"epochs={epochs}")
    rank = os.environ.get("RANK", "0")
    (out / f"{name}-{rank}.json").write_text(json.dumps(seen))
    save_file(gradients, out / f"{name}-{rank}.gradients")

for world in (1, 2):
    worlds.run(world, lambda: work(f"long{world}", torch.float64, 10))
    worlds.run(world, lambda: work(f"short{world}", torch.float32, 1))
"""


@pytest.fixture(scope="module")
def equal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of one and two processes: `long` 100 float64 steps, `short` 10 float32 steps."""
    folder = tmp_path_factory.mktemp("equal")
    worlds.run_script(COMMON + EQUAL, folder)
    return folder


def history(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_see_the_images_of_one(equal: Path) -> None:
    def seen(name: str) -> list[Any]:
        found: list[Any] = json.loads((equal / name).read_text())
        return found

    parts = seen("long2-0.json"), seen("long2-1.json")
    assert len(parts[0]) == 17 * 100
    assert len(parts[1]) == 16 * 100
    assert sorted(parts[0] + parts[1]) == sorted(seen("long1-0.json"))


@pytest.mark.slow
def test_a_hundred_float64_steps_have_the_losses_of_one_process(equal: Path) -> None:
    one, two = history(equal / "long1"), history(equal / "long2")
    assert one[-1]["train_loss"] < one[0]["train_loss"] / 2
    for ours, theirs in zip(two, one, strict=True):
        assert ours["train_loss"] == pytest.approx(theirs["train_loss"], rel=0, abs=1e-9)
        assert ours["test_loss"] == pytest.approx(theirs["test_loss"], rel=0, abs=1e-9)
        assert ours["top1"] == theirs["top1"]


@pytest.mark.slow
def test_the_first_float32_gradients_are_those_of_one_process(equal: Path) -> None:
    one = load_file(equal / "short1-0.gradients")
    for rank in range(2):
        for name, gradient in load_file(equal / f"short2-{rank}.gradients").items():
            error = float((gradient - one[name]).norm() / one[name].norm().clamp(min=1e-3))
            assert error < 1e-5, name


@pytest.mark.slow
def test_every_test_image_counts_once(equal: Path) -> None:
    run = load_run(equal / "short2")
    assert type(next(m for m in run.model.modules() if "Norm" in type(m).__name__)) in (
        torch.nn.BatchNorm1d, torch.nn.BatchNorm2d,
    )  # fmt: skip
    test = open_dataset("digits", "test").take(range(361))
    alone = evaluate_model(run.model, test, run.preprocessing)
    assert run.history[-1]["top1"] == alone.top1
    assert run.history[-1]["test_loss"] == pytest.approx(alone.loss, rel=1e-5)


# Twenty milliseconds more a step leave time to kill in the middle of an epoch.
# In float64, where the signs of one process and two agree for long.
KILLED = """
torch.set_default_dtype(torch.float64)

def slowly(self):
    after_step(self)
    time.sleep(0.02)

def unbroken():
    train("whole", "epochs=3")

def slow():
    task.Supervised.after_step = slowly
    processes.TIMEOUT = timedelta(seconds=3)
    train("killed", "epochs=3")

worlds.run(2, unbroken)
for lost, how in [(1, signal.SIGKILL), (0, signal.SIGKILL), (1, signal.SIGSTOP)]:
    before = len(list((out / "killed/checkpoints").glob("epoch-*")))
    pids = worlds.start(2, slow, out / f"said-{lost}-{how.name}")
    worlds.wait_for(out / ("killed/checkpoints/epoch-0001" if not before else "killed/recipe.yaml"))
    time.sleep(0.1)
    os.kill(pids[lost], how)
    began = time.monotonic()
    survivor = worlds.wait([pids[1 - lost]], 30)[0]
    assert survivor == 1 and time.monotonic() - began < 20, survivor
    os.kill(pids[lost], signal.SIGKILL)
    worlds.wait([pids[lost]])
    if not before:
        import shutil
        shutil.copytree(out / "killed", out / "fewer")
worlds.run(2, lambda: train("killed", "epochs=3"))
worlds.run(1, lambda: train("fewer", "epochs=3"))
"""


@pytest.mark.slow
def test_a_lost_process_ends_the_others_and_the_restart_goes_on(tmp_path: Path) -> None:
    said = worlds.run_script(COMMON + KILLED, tmp_path)
    for name in ("said-1-SIGKILL", "said-0-SIGKILL", "said-1-SIGSTOP"):
        text = (tmp_path / name).read_text()
        assert text.count("LostProcessError: ") == 1
        assert "another process of this training was killed, failed or stopped" in text
    whole, killed, fewer = (tmp_path / name for name in ("whole", "killed", "fewer"))
    left, right = (path / "checkpoints/epoch-0003/state.safetensors" for path in (whole, killed))
    assert left.read_bytes() == right.read_bytes()
    for ours, theirs in zip(history(killed), history(whole), strict=True):
        for key in ("epoch", "train_loss", "top1", "test_loss", "lr"):
            assert ours[key] == theirs[key]
    # One process goes on where two stopped: the same images, sums rounded otherwise.
    assert "2 processes before and 1 now" in said
    for ours, theirs in zip(history(fewer), history(whole), strict=True):
        for key in ("train_loss", "top1", "test_loss"):
            assert ours[key] == pytest.approx(theirs[key], rel=0, abs=1e-9)


# A teacher, then two stages that learn from it, in float64.
STAGED = """
def staged(name):
    torch.set_default_dtype(torch.float64)
    chosen = [f"teacher={{checkpoint: {out / 'teacher'}, temperature: 2.0, weight: 0.5}}"]
    stages = "stages=[{method: {params: {binarize: activations}}}, {seed: 3}]"
    train(name, "epochs=2", *chosen, stages)

worlds.run(1, lambda: train("teacher", "epochs=1"))
for world in (1, 2):
    worlds.run(world, lambda: staged(f"staged{world}"))
"""


@pytest.mark.slow
def test_stages_and_a_teacher_have_the_losses_of_one_process(tmp_path: Path) -> None:
    worlds.run_script(COMMON + STAGED, tmp_path)
    for stage in ("stage-1", "."):
        one, two = (history(tmp_path / f"staged{world}" / stage) for world in (1, 2))
        for ours, theirs in zip(two, one, strict=True):
            assert {*ours} == {*theirs}
            for key in ours:
                # Inputs are counted on each process's first batch of test images: here on all.
                if key.startswith(("train_loss", "test_loss", "flips", "weights", "inputs")):
                    assert ours[key] == pytest.approx(theirs[key], rel=0, abs=1e-9)


REFUSED = """
def other_epochs():
    rank = int(os.environ["RANK"])
    processes.require_agreement(processes.join(), Path("run"), 3 + rank, "abcdef" * 9)

def other_data():
    rank = int(os.environ["RANK"])
    images.open_dataset = lambda *which, **how: odd(*which, **how).take(range(rank, 340))
    train("data", "epochs=1")

def other_teachers():
    rank = int(os.environ["RANK"])
    images = "abcdef" * 9
    processes.require_agreement(processes.join(), Path("run"), 3, images, str(rank) * 64)

def few():
    train("too-few", "epochs=1", "train_images=3", "batch_size=2")

for function in (other_epochs, other_data, other_teachers, few):
    assert worlds.wait(worlds.start(2, function, out / function.__name__)) == [1, 1]
"""


@pytest.mark.slow
def test_a_start_that_cannot_work_is_refused(tmp_path: Path) -> None:
    worlds.run_script(COMMON + REFUSED, tmp_path)
    for name, message in {
        "other_epochs": "run: process 0 sees 3 finished epochs, process 1 sees 4; put the folder",
        "other_data": "processes 0 and 1 have different training images; give every machine",
        "other_teachers": "processes 0 and 1 have different teachers; give every machine",
        "few": "batch_size=2 leaves no image for some of 2 processes; raise it",
    }.items():
        assert (tmp_path / name).read_text().count(message) == 2
