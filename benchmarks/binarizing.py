"""What `binarize` makes of a real ResNet-20 in 40 minutes, beside the same from random weights.

    OMP_NUM_THREADS=2 python benchmarks/binarizing.py --data CIFAR10 --weights WEIGHTS \\
        --runs runs/binarizing --out benchmarks/results/binarizing.json

The published weights are fine-tuned on these images first: that is the real network, the teacher of
all runs, and not counted. Then the recipe is trained from those weights, once for each seed, and
after that from random ones under the same teacher. Runs go one after another on all cores, and the
machine should do nothing else. The figures are written after each of them. The same command goes on
where it was stopped. A run's minutes are those of its command, from the first import to the end; if
it was interrupted, they count the break. Top-1 is the last epoch's, on all test images.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from measuring import machine
from measuring.runs import figures_of, signbit
from measuring.tables import table
from measuring.written import write_json

RECIPE = "binarized-resnet20-cifar10"
TEACHER = ["real-resnet20-cifar10", "epochs=6", "optimizer.lr=0.02", "schedule=cosine"]
ARMS = {"real weights": True, "random weights": False}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="CIFAR-10 as `signbit train` takes it")
    parser.add_argument("--weights", required=True, help="real-resnet20 as .safetensors")
    parser.add_argument("--runs", type=Path, required=True, help="where the runs are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--changes", nargs="*", default=[], help="of the recipe: KEY=VALUE …")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    data = ["--data", arguments.data]
    published, teacher = (str(arguments.runs / name) for name in ("published", "teacher"))
    if not Path(published).exists():
        signbit("import", "real-resnet20", arguments.weights, "--out", published)
    signbit("train", *TEACHER, *data, "--out", teacher, f"start={published}")
    report: dict[str, Any] = {
        "machine": machine.facts("torch"),
        "command": "python benchmarks/binarizing.py",
        "recipe": RECIPE,
        "changes": arguments.changes,
        "teacher": figures_of(Path(teacher)),
        "runs": earlier(arguments.out, arguments.changes),
    }
    done = {(run["arm"], run["seed"]) for run in report["runs"]}
    for arm, real in ARMS.items():
        for seed in arguments.seeds:
            if (arm, seed) in done:
                continue
            out = arguments.runs / f"{arm.replace(' ', '-')}-{seed}"
            unbroken, began = not out.exists(), time.monotonic()
            start = [f"start={teacher}"] if real else []
            words = [*start, f"teacher.checkpoint={teacher}", f"seed={seed}", *arguments.changes]
            signbit("train", RECIPE, *data, "--out", str(out), *words)
            run = {"arm": arm, "seed": seed, **figures_of(out)}
            if unbroken:
                run["minutes"] = (time.monotonic() - began) / 60
            report["runs"].append(run)
            if arguments.out is not None:
                write_json(arguments.out, report)
    print(table(["", "top-1, each seed", "mean", "minutes"], rows(report)))
    return 0


def earlier(out: Path | None, changes: list[str]) -> list[dict[str, Any]]:
    """The runs of an earlier report of the same recipe."""
    if out is None or not out.exists():
        return []
    report = json.loads(out.read_text())
    return list(report["runs"]) if report["changes"] == changes else []


def rows(report: dict[str, Any]) -> list[list[str]]:
    """The table: the real network, then each arm."""
    real = report["teacher"]
    found = [["real", f"{100 * real['top1']:.2f}", "", f"{real['minutes']:.0f}"]]
    for arm in ARMS:
        runs = [run for run in report["runs"] if run["arm"] == arm]
        top1 = [100 * run["top1"] for run in runs]
        minutes = max(run["minutes"] for run in runs)
        each = ", ".join(f"{value:.2f}" for value in top1)
        found.append([arm, each, f"{statistics.mean(top1):.2f}", f"{minutes:.1f}"])
    return found


if __name__ == "__main__":
    sys.exit(main())
