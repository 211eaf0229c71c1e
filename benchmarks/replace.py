"""The trainings that docs/replace.md asks for: one-bit and real networks by equal rules.

    OMP_NUM_THREADS=2 python benchmarks/replace.py --data CIFAR10 --weights RESNET56 \\
        --runs runs/replace --out benchmarks/results/replace.json

The published ResNet-56 is fine-tuned first and teaches all of them. Runs go one after another, the
quick ones first; the same command goes on where it was stopped, and figures are written after each
run. `--networks`, `--seeds` and `--epochs` choose; what the file has of others stays. `--rates`
trains, on each side's ResNet-20, what chooses the rate: 45,000 images, measured on the 5,000 left
out, seed 100.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pyarrow import parquet

from measuring import machine
from measuring.runs import figures_of, signbit
from measuring.tables import table
from measuring.written import write_json

TEACHER = [
    "real-resnet20-cifar10",
    "network=real-resnet56",
    "epochs=6",
    "optimizer.lr=0.02",
    "schedule=cosine",
]
ONE_BIT, REAL = "one bit", "full precision"
NETWORKS = {
    "resnet20": ONE_BIT,
    "real-resnet20-quarter": REAL,
    "real-resnet20-half": REAL,
    "real-resnet20": REAL,
    "resnet20-x2": ONE_BIT,
    "quicknet-cifar": ONE_BIT,
    "real-mobilenet-cifar": REAL,
    "resnet20-x3": ONE_BIT,
    "real-resnet20-x2": REAL,
    "vgg-small": ONE_BIT,
    "resnet18-cifar": ONE_BIT,
    "resnet20-x4": ONE_BIT,
}
"""The quick ones first."""
RECIPES = {
    ONE_BIT: ["best-resnet20-cifar10"],
    REAL: ["real-resnet20-cifar10", "schedule=cosine", "data.augment={flip: true}"],
}
"""A side's recipe and what is changed of it; the peak rate comes from `--rates`."""
RATES = (0.05, 0.1, 0.2)
TEACHES = ["teacher.network=real-resnet56", "teacher.weight=0.9", "teacher.temperature=4.0"]
LEFT_OUT = 5_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of CIFAR-10 Parquet files")
    parser.add_argument("--weights", required=True, help="real-resnet56 as .safetensors")
    parser.add_argument("--runs", type=Path, required=True, help="where the runs are kept")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rates", action="store_true", help="train what chooses the rates")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    figures = json.loads(arguments.out.read_text()) if arguments.out.exists() else {"runs": {}}
    figures |= {"machine": machine.facts("torch"), "command": "python benchmarks/replace.py"}
    teacher = taught(arguments.runs, arguments.weights, arguments.data)
    figures["teacher"] = figures_of(teacher)
    for name, data, words in planned(arguments, figures):
        train = [*words, *TEACHES, f"teacher.checkpoint={teacher}", f"epochs={arguments.epochs}"]
        out = arguments.runs / name
        signbit("train", train[0], "--data", str(data), "--out", str(out), *train[1:])
        figures["runs"][name] = {"command": ["signbit", "train", *train], **figures_of(out)}
        write_json(arguments.out, figures)
    print(table(["run", "top-1", "minutes"], rows(figures)))
    return 0


def taught(runs: Path, weights: str, data: Path) -> Path:
    """The teacher's run, finished."""
    published, teacher = runs / "published", runs / "teacher"
    if not published.exists():
        signbit("import", "real-resnet56", weights, "--out", str(published))
    start = f"start={published}"
    signbit("train", TEACHER[0], "--data", str(data), "--out", str(teacher), *TEACHER[1:], start)
    return teacher


def planned(
    arguments: argparse.Namespace, figures: dict[str, Any]
) -> list[tuple[str, Path, list[str]]]:
    """(name of the run, images, words of the command) of what is asked for, in order."""
    if arguments.rates:
        held_out = without_last(arguments.data, arguments.runs / "held-out")
        return [
            (f"rate-{network}-{rate}", held_out, [*words, f"optimizer.lr={rate}", "seed=100"])
            for network, words in (
                ("resnet20", recipe_of("resnet20")),
                ("real-resnet20", recipe_of("real-resnet20")),
            )
            for rate in RATES
        ]
    rates = {side: best_rate(figures, network) for side, network in _TUNED.items()}
    return [
        (
            f"{network}-{arguments.epochs}-seed{seed}",
            arguments.data,
            [*recipe_of(network), f"optimizer.lr={rates[NETWORKS[network]]}", f"seed={seed}"],
        )
        for seed in arguments.seeds
        for network in arguments.networks
    ]


_TUNED = {ONE_BIT: "resnet20", REAL: "real-resnet20"}


def recipe_of(network: str) -> list[str]:
    """The side's recipe for the network."""
    name, *changes = RECIPES[NETWORKS[network]]
    return [name, f"network={network}", *changes]


def best_rate(figures: dict[str, Any], network: str) -> float:
    """The rate with the highest top-1 on the images left out. Exits where one is missing."""
    found = {rate: figures["runs"].get(f"rate-{network}-{rate}") for rate in RATES}
    missing = [rate for rate, run in found.items() if run is None]
    if missing:
        sys.exit(f"the rates {missing} of {network} were not tried yet; run with --rates first")
    return max(RATES, key=lambda rate: found[rate]["top1"])


def without_last(source: Path, target: Path) -> Path:
    """The training images in two: all but the last ones to train on, those to measure on."""
    if target.exists():
        return target
    (stored,) = source.glob("train-*.parquet")
    images = parquet.read_table(stored)
    kept = len(images) - LEFT_OUT
    half_made = target.with_suffix(".new")
    half_made.mkdir(parents=True, exist_ok=True)
    parquet.write_table(images.slice(0, kept), half_made / "train-0.parquet")
    parquet.write_table(images.slice(kept), half_made / "test-0.parquet")
    half_made.rename(target)
    return target


def rows(figures: dict[str, Any]) -> list[list[str]]:
    """The table: every run that the file has."""
    return [
        [name, f"{100 * run['top1']:.2f}", f"{run['minutes']:.1f}"]
        for name, run in figures["runs"].items()
    ]


if __name__ == "__main__":
    sys.exit(main())
