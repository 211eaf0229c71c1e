"""What learning without labels gives a linear classifier: S2-BNN's arms under one protocol.

    OMP_NUM_THREADS=1 python benchmarks/selfsup.py --data CIFAR10 --runs runs/selfsup \\
        --slots 2 --out benchmarks/results/selfsup.json

docs/selfsup-protocol.md is the protocol. Every arm is a recipe, pretrained and probed by the
installed `signbit`; what is there already is not made again, so the command goes on where it was
stopped. `--slots` trains that many runs side by side; `--gradients bfloat16` is faster on CPUs that
have that dot product.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import machine
from measuring.tables import table
from measuring.written import write_json

NETWORK = ["network=resnet20", "selfsup.head.hidden=64"]
AT_THE_END = "selfsup.knn_every=1000"
REACTNET_AT_RANDOM = ["method.name=combined", "method.params.initial_weights=kaiming"]
"""ReActNet's own initial weights are all positive, so that all its filters are one."""
SGD_RATES, ADAM_RATES = (0.03, 0.06, 0.12), (3e-4, 1e-3, 3e-3)
PROBE_RATES = ("0.1", "1", "10")
ARMS = {
    "a: MoCo v2": ("s2bnn-baseline-cifar10", SGD_RATES, 3),
    "b: enhanced": ("s2bnn-enhanced-cifar10", ADAM_RATES, 1),
    "c: contrastive + guided": ("s2bnn-contrastive-guided-cifar10", ADAM_RATES, 1),
    "d: guided only": ("s2bnn-guided-cifar10", ADAM_RATES, 3),
}
"""Arm → recipe, learning rates to choose from with seed 0, and seeds at the one chosen."""

BESIDE = ("real teacher", "random weights", "with labels")
"""What the arms are compared with, in the order they are made."""


@dataclass(frozen=True)
class Job:
    """A run: which command with which words makes it, and where it is."""

    command: str
    recipe: str
    folder: Path
    words: tuple[str, ...]


@dataclass(frozen=True)
class Bench:
    """What all jobs share."""

    data: str
    runs: Path
    epochs: int
    images: int
    slots: int
    gradients: str

    def network(self) -> list[str]:
        """What every network but the real teacher has in common."""
        return [*NETWORK, AT_THE_END, f"gradients={self.gradients}"]

    def arm(self, recipe: str, rate: float, seed: int) -> Job:
        """A student. Two stages share the epochs, so that every arm sees as many images."""
        staged = "baseline" not in recipe
        words = [
            *self.network(),
            f"epochs={self.epochs // 2 if staged else self.epochs}",
            f"train_images={self.images}",
            f"optimizer.lr={rate}",
            f"seed={seed}",
        ]
        if "guided" in recipe:
            words += [f"selfsup.guided.teacher={self.runs / 'teacher'}"]
            words += ["selfsup.guided.network=resnet20"]
        return Job("pretrain", recipe, self.runs / recipe / f"{rate:g}-{seed}", tuple(words))

    def teacher(self, epochs: int) -> Job:
        words = (*NETWORK, "selfsup.knn_every=4", f"epochs={epochs}")
        return Job("pretrain", "moco-cifar10", self.runs / "teacher", words)

    def untrained(self) -> Job:
        """Random weights, with statistics of real images; no weight moves."""
        images = f"train_images={min(16384, self.images)}"
        words = (*self.network(), *REACTNET_AT_RANDOM, "epochs=1", images, "optimizer.lr=1e-30")
        return Job("pretrain", "s2bnn-baseline-cifar10", self.runs / "untrained", words)

    def ceiling(self) -> Job:
        words = (
            "method.name=reactnet",
            f"epochs={self.epochs}",
            f"train_images={self.images}",
            f"gradients={self.gradients}",
        )
        return Job("train", "comparison-cifar10", self.runs / "labels", words)

    def make(self, jobs: Iterable[Job]) -> list[dict[str, Any]]:
        """Train and probe all of them; the probes' figures, in the jobs' order."""
        with ThreadPoolExecutor(self.slots) as pool:
            return list(pool.map(self._make, jobs))

    def _make(self, job: Job) -> dict[str, Any]:
        said = (job.recipe, "--data", self.data, "--out", str(job.folder), *job.words)
        call(job.command, *said)
        probe = job.folder / "probe"
        if not (probe / "metrics.json").exists():
            rates = [word for rate in PROBE_RATES for word in ("--lr", rate)]
            call("probe", str(job.folder), "--data", self.data, "--out", str(probe), *rates)
        facts = json.loads((probe / "metrics.json").read_text("utf-8"))
        held_out = max(trial["top1"] or 0 for trial in facts["trials"])
        print(f"{job.folder.relative_to(self.runs)}: {100 * facts['top1']:.2f} %", flush=True)
        return {
            "command": f"signbit {job.command} {job.recipe} {' '.join(job.words)}",
            "top1": facts["top1"],
            "held_out": held_out,
            "epochs": history(job.folder),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="CIFAR-10 as `signbit train` takes it")
    parser.add_argument("--runs", type=Path, required=True, help="where the runs are kept")
    parser.add_argument("--epochs", type=int, default=4, help="of a student, over its stages")
    parser.add_argument("--teacher-epochs", type=int, default=12)
    parser.add_argument("--images", type=int, default=40_000, help="that students learn from")
    parser.add_argument("--gradients", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--slots", type=int, default=1, help="runs at a time")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.epochs % 2:
        parser.error("--epochs must be even: two stages share them")
    bench = Bench(
        arguments.data,
        arguments.runs,
        arguments.epochs,
        arguments.images,
        arguments.slots,
        arguments.gradients,
    )
    found: dict[str, list[dict[str, Any]]] = {}
    found[BESIDE[0]] = bench.make([bench.teacher(arguments.teacher_epochs)])
    tried = bench.make([bench.untrained(), bench.ceiling()])
    found |= {name: [run] for name, run in zip(BESIDE[1:], tried, strict=True)}
    grid: dict[tuple[str, float], dict[str, Any]] = {}
    # What must be shown first: the arms whose seeds are compared.
    for seeds in sorted({count for *_, count in ARMS.values()}, reverse=True):
        found |= study(bench, [arm for arm in ARMS if ARMS[arm][2] == seeds], grid)
    found = {name: found[name] for name in (*BESIDE, *ARMS)}
    chosen = {arm: choose(arm, grid) for arm in ARMS}
    print(table(("linear probe", "top-1", "each seed", "learning rate"), rows(found, chosen)))
    if arguments.out:
        figures = {
            "command": "python benchmarks/selfsup.py " + " ".join(sys.argv[1:]),
            "machine": machine.facts("torch"),
            "chosen": chosen,
            "found": found,
            "grid": [{"arm": arm, "rate": rate, **run} for (arm, rate), run in grid.items()],
        }
        write_json(arguments.out, figures)
    return 0


def study(
    bench: Bench, arms: list[str], grid: dict[tuple[str, float], dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Each arm's seeds at the rate that its seed 0 does best with; all rates' go into `grid`."""
    pairs = [(arm, rate) for arm in arms for rate in ARMS[arm][1]]
    runs = bench.make([bench.arm(ARMS[arm][0], rate, 0) for arm, rate in pairs])
    grid.update(zip(pairs, runs, strict=True))
    found = {arm: [grid[arm, choose(arm, grid)]] for arm in arms}
    others = [(arm, seed) for arm in arms for seed in range(1, ARMS[arm][2])]
    more = bench.make([bench.arm(ARMS[arm][0], choose(arm, grid), seed) for arm, seed in others])
    for (arm, _), run in zip(others, more, strict=True):
        found[arm].append(run)
    return found


def choose(arm: str, grid: dict[tuple[str, float], dict[str, Any]]) -> float:
    """The rate whose probe is best on training images that were held out."""
    return max(ARMS[arm][1], key=lambda rate: float(grid[arm, rate]["held_out"]))


def rows(found: dict[str, list[dict[str, Any]]], chosen: dict[str, float]) -> list[list[str]]:
    lines = []
    for name, runs in found.items():
        tops = [100 * run["top1"] for run in runs]
        each = ", ".join(f"{top:.2f}" for top in tops) if len(tops) > 1 else ""
        rate = f"{chosen[name]:g}" if name in chosen else ""
        lines.append([name, f"{sum(tops) / len(tops):.2f} %", each, rate])
    return lines


def history(folder: Path) -> list[dict[str, float]]:
    """What an epoch's line says of learning, stage after stage; the signs' shares are left out."""
    stages = sorted(folder.glob("stage-*/metrics.jsonl"))
    lines = [
        json.loads(line)
        for path in (*stages, folder / "metrics.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]
    left_out = ("flips/", "weights/", "inputs/")
    return [
        {key: value for key, value in line.items() if not key.startswith(left_out)}
        for line in lines
    ]


def call(*words: str) -> None:
    program = Path(sysconfig.get_path("scripts")) / "signbit"
    done = subprocess.run([program, *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"signbit {' '.join(words)}: {done.stderr.strip()[-500:]}")


if __name__ == "__main__":
    sys.exit(main())
