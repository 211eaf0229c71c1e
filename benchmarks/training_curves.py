"""Do the ways to train learn alike? Loss curves and top-1 with native ops off, on, and in bfloat16.

    python benchmarks/training_curves.py --data CIFAR10 --runs runs/curves \\
        --out benchmarks/results/training_curves.json

Each way trains SD-BNN ResNet-20 from the same seeds through the installed `signbit train`; a run
that is there already is gone on with. Curves are means over windows of a fifth of an epoch. The
distance of two ways with one seed is put beside that of two seeds of one way.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from measuring import machine
from measuring.tables import table
from measuring.written import write_json

RECIPE = "sdbnn-resnet20-cifar10"
WINDOWS = 5  # an epoch
WAYS = {
    "PyTorch alone": ("0", "float32"),
    "native": ("1", "float32"),
    "native, bfloat16 gradients": ("1", "bfloat16"),
}

Run = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="CIFAR-10 as `signbit train` takes it")
    parser.add_argument("--runs", type=Path, required=True, help="where the runs are kept")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--changes", nargs="*", default=[], help="of the recipe: KEY=VALUE …")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    changes = [f"epochs={arguments.epochs}", *arguments.changes]
    runs = {
        (way, seed): train(way, seed, arguments.data, arguments.runs, changes)
        for seed in arguments.seeds
        for way in WAYS
    }
    rows = [
        [way, str(seed), f"{run['losses'][-1]:.3f}", f"{100 * run['top1']:.2f} %"]
        for (way, seed), run in runs.items()
    ]
    print(table(["way", "seed", "last train loss", "top-1"], rows))
    distances = {
        "two ways, one seed": [distances_between(runs, a, b) for a, b in pairs(runs, same=1)],
        "two seeds, one way": [distances_between(runs, a, b) for a, b in pairs(runs, same=0)],
    }
    rows = [
        [name, *(f"{max(d[key] for d in found):.3f}" for key in ("mean", "largest", "top1"))]
        for name, found in distances.items()
        if found
    ]
    print(table(["greatest distance of", "mean of curves", "at one place", "top-1"], rows))
    if arguments.out is not None:
        report = {
            "machine": machine.facts("torch"),
            "command": f"python benchmarks/training_curves.py --epochs {arguments.epochs}",
            "recipe": RECIPE,
            "changes": changes,
            "runs": [{"way": way, "seed": seed, **run} for (way, seed), run in runs.items()],
            "distances": distances,
        }
        write_json(arguments.out, report)
    return 0


def train(way: str, seed: int, data: str, runs: Path, changes: list[str]) -> Run:
    """The run's curve of train losses and its last top-1."""
    native, gradients = WAYS[way]
    out = runs / f"{way.replace(' ', '-').replace(',', '')}-{seed}"
    signbit = Path(sysconfig.get_path("scripts")) / "signbit"
    subprocess.run(
        [
            *(str(signbit), "train", RECIPE, "--data", data, "--out", str(out)),
            *(f"seed={seed}", f"gradients={gradients}", *changes),
        ],
        env={**os.environ, "SIGNBIT_NATIVE_OPS": native, "CUDA_VISIBLE_DEVICES": ""},
        check=True,
    )
    events = EventAccumulator(str(out / "tensorboard"), {"scalars": 0})
    events.Reload()
    losses = [event.value for event in events.Scalars("train/loss")]
    history = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    parts = np.array_split(np.array(losses), WINDOWS * len(history))
    return {
        "losses": [float(part.mean()) for part in parts],
        "train_loss": [entry["train_loss"] for entry in history],
        "top1": history[-1]["top1"],
        "images_per_second": [entry["images_per_second"] for entry in history],
    }


def pairs(runs: dict[tuple[str, int], Run], same: int) -> list[tuple[Any, Any]]:
    """Pairs of runs that agree in one part of their key (0: the way, 1: the seed)."""
    return [(a, b) for a, b in itertools.combinations(runs, 2) if a[same] == b[same]]


def distances_between(runs: dict[tuple[str, int], Run], a: Any, b: Any) -> dict[str, Any]:
    """Of two runs' curves, and of their top-1 in points."""
    apart = np.abs(np.subtract(runs[a]["losses"], runs[b]["losses"]))
    top1 = 100 * abs(runs[a]["top1"] - runs[b]["top1"])
    return {"of": [a, b], "mean": apart.mean(), "largest": apart.max(), "top1": top1}


if __name__ == "__main__":
    sys.exit(main())
