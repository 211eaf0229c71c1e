"""Kills at every step of a checkpoint's writing and at random moments of training; full disks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.thorough import many
from tests.training import worlds

from signbit.training import load_run

COMMON = """
import json, os, random, resource, signal, sys, time
from pathlib import Path
import sklearn.datasets, torch, torch._dynamo  # once for all forks
import worlds
from signbit import recipes
from signbit.training.supervised import supervised_task as task, train as supervised
from signbit.training.runs.checkpoint import latest, read_checkpoint
from signbit.training.runs.lock import locked
from signbit.training.runs.folder import RunFolder

out = Path(sys.argv[1])
torch.set_num_threads(1)

def train(name, *overrides):
    chosen = ["train_images=64", "batch_size=32", *overrides]
    supervised.train(recipes.load("sdbnn-digits", chosen), None, out / name)

def whole_checkpoints(folder):
    # Every folder that looks like a checkpoint loads; the newest one's epoch, 0 without any.
    found = [read_checkpoint(path) for path in sorted(folder.glob("epoch-*"))]
    return max((checkpoint.epoch for checkpoint in found), default=0)
"""

# Python reports every file operation, before it happens, to audit hooks. The child is killed at
# its n-th, for every n, while it ends the third epoch of a run.
EVERY_STEP = """
import dataclasses, shutil
from signbit.training.runs.checkpoint import write_checkpoint

worlds.run(1, lambda: train("two", "epochs=2"))

def end_epoch(folder, at):
    run = RunFolder(folder)
    old = read_checkpoint(run.checkpoints / "epoch-0002")
    history = [*old.history, {**old.history[-1], "epoch": 3}]
    count = 0

    def watch(event, arguments):
        nonlocal count
        if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.scandir"):
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    run.write_metrics(history)
    write_checkpoint(run.checkpoints, dataclasses.replace(old, epoch=3, history=history))

def probe(at):
    folder = out / f"kill-{at:03d}"
    shutil.copytree(out / "two", folder)
    code, = worlds.wait(worlds.start(1, lambda: end_epoch(folder, at)))
    epoch = whole_checkpoints(folder / "checkpoints")
    metrics = (folder / "metrics.jsonl").read_text().splitlines()
    assert epoch in (2, 3) and len(metrics) in (epoch, 3)
    with locked(folder):
        pass
    names = {path.name for path in (folder / "checkpoints").iterdir()}
    assert names <= {f"epoch-{epoch:04d}" for epoch in (1, 2, 3)}
    assert not list(folder.glob(".*.new"))
    return code, epoch

results = [probe(1)]
while results[-1][0] != 0:
    assert results[-1][0] == -signal.SIGKILL
    results.append(probe(len(results) + 1))
(out / "results.json").write_text(json.dumps(results))
"""


@pytest.mark.slow
def test_a_kill_at_any_step_of_ending_an_epoch_leaves_whole_checkpoints(tmp_path: Path) -> None:
    worlds.run_script(COMMON + EVERY_STEP, tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    epochs = [epoch for _, epoch in results]
    assert epochs == sorted(epochs)
    assert epochs.count(2) >= 6, "kills before the new checkpoint was there"
    assert epochs.count(3) >= 6, "kills while the oldest was removed"


# Lives of one run: half end at a random moment, half within 4 ms of a checkpoint's beginning.
RANDOM = """
lives = int(sys.argv[2])
moments = random.Random(20)
started = time.monotonic()
worlds.run(1, lambda: train("timed", "epochs=2"))
pause = max(0.6, 2 * (time.monotonic() - started))  # a busy machine takes longer for an epoch
after_step = task.Supervised.after_step
marks = None

def mark(self):
    after_step(self)
    os.write(marks, b".")

def live(life):
    global marks
    marks = os.open(out / f"steps-{life:02d}", os.O_WRONLY)
    task.Supervised.after_step = mark
    train("killed", "epochs=1000")

checkpoints = out / "killed/checkpoints"
first, inside = 0, 0
for life in range(lives):
    steps = out / f"steps-{life:02d}"
    steps.touch()
    pid, = worlds.start(1, lambda: live(life), out / "said")
    while steps.stat().st_size == 0:
        time.sleep(0.001)
    time.sleep(moments.uniform(0, pause))
    if life % 2:
        while not list(checkpoints.glob(".epoch-*.new")):
            time.sleep(0.0002)
        time.sleep(moments.uniform(0, 0.004))
    os.kill(pid, signal.SIGKILL)
    assert worlds.wait([pid]) == [-signal.SIGKILL]
    inside += bool(list(checkpoints.glob(".epoch-*.new")))
    epoch = whole_checkpoints(checkpoints)
    done = first + len(steps.read_bytes()) // 2
    assert done - 1 <= epoch <= done, (life, first, epoch, done)
    first = epoch
assert first >= lives // 4 and inside >= lives // 6, (first, inside)

def unbroken():
    # It stops, as by Ctrl-C, when as many epochs are done.
    start_epoch = task.Supervised.start_epoch
    def start(self, epoch):
        if epoch == first:
            os._exit(0)
        start_epoch(self, epoch)
    task.Supervised.start_epoch = start
    train("whole", "epochs=1000")

assert worlds.wait(worlds.start(1, unbroken), 400) == [0]
name = latest(checkpoints).name + "/state.safetensors"
assert (checkpoints / name).read_bytes() == (out / "whole/checkpoints" / name).read_bytes()
print(f"{first} epochs, {inside} of {lives} lives ended inside a checkpoint", file=sys.stderr)
"""


@pytest.mark.slow
def test_kills_at_random_moments_lose_no_more_than_an_epoch(tmp_path: Path) -> None:
    print(worlds.run_script(COMMON + RANDOM, tmp_path, many(20, least=8), timeout=540))


# A limit on the size of files ends a write as a full disk does, without a disk of one's own.
FULL = """
def limited(limit):
    start_epoch = task.Supervised.start_epoch
    def start(self, epoch):
        if epoch == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        start_epoch(self, epoch)
    task.Supervised.start_epoch = start
    try:
        train(f"full-{limit}", "epochs=2")
    finally:  # so that the error itself can be written
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

worlds.run(1, lambda: train("whole", "epochs=2"))
for limit in (20_000, 20):
    code, = worlds.wait(worlds.start(1, lambda: limited(limit), out / f"said-{limit}"))
    assert code == 1
    folder = out / f"full-{limit}"
    left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    (out / f"left-{limit}.json").write_text(json.dumps(left))
    assert whole_checkpoints(folder / "checkpoints") == 1
    worlds.run(1, lambda: train(f"full-{limit}", "epochs=2"))
"""


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_last_checkpoint_stays(tmp_path: Path) -> None:
    worlds.run_script(COMMON + FULL, tmp_path)
    name = "checkpoints/epoch-0002/state.safetensors"
    for limit, what in [(20_000, "checkpoints/epoch-0002"), (20, "tensorboard")]:
        folder = tmp_path / f"full-{limit}"
        said = (tmp_path / f"said-{limit}").read_text()
        last = said.splitlines()[-1]
        assert last == (
            f"signbit.errors.CheckpointError: {folder}/{what}: cannot be written (File too large); "
            "make room on its disk, or whatever it lacks, and the same command goes on from the "
            "last finished epoch"
        )
        left = json.loads((tmp_path / f"left-{limit}.json").read_text())
        assert "checkpoints/epoch-0001/state.safetensors" in left
        assert not [path for path in left if ".new" in path]
        # Once there is room, the run ends as it would have.
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
        assert load_run(folder).finished
        assert sorted(os.listdir(folder)) == sorted(os.listdir(tmp_path / "whole"))
