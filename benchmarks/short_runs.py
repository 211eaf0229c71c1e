"""Does every architecture for 32x32 images learn? A short run on CIFAR-10 of each by its recipe.

    python benchmarks/short_runs.py --data CIFAR10 --runs runs/short \\
        --out benchmarks/results/short_runs.json

The recipe, data and augmentation as they are, but for fewer epochs and images, trained through the
installed `signbit train`, one network after another. What the JSON file has is done, and a run that
was stopped is gone on with. top-1 is the last epoch's, on all test images. `keywords` gets the
photographs in gray: they show that it learns, not what it is for.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from measuring import machine
from measuring.tables import table
from measuring.written import resumed, write_json
from signbit import recipes

RECIPES = (
    "quicknet-cifar10",
    "resnet-e18-cifar10",
    "real-to-binary-resnet18-cifar10",
    "keywords",
    "mixer-cifar10",
    "binary-vit-cifar10",
    "meliusnet22-cifar10",
    "binary-densenet28-cifar10",
    "bnext-tiny-cifar10",
    "pokebnn-cifar10",
)
"""The cheaper ones first."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="CIFAR-10 as `signbit train` takes it")
    parser.add_argument("--runs", type=Path, required=True, help="where the runs are kept")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--recipes", nargs="*", default=RECIPES)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=10_000, help="training images per epoch")
    arguments = parser.parse_args()
    changes = [f"epochs={arguments.epochs}", f"train_images={arguments.images}"]
    figures: dict[str, Any] = {
        "command": "python benchmarks/short_runs.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts("torch"),
        "changes": changes,
        "runs": {},
    }
    figures = resumed(arguments.out, figures)
    if figures["changes"] != changes:
        sys.exit(
            f"{arguments.out}: of runs with {figures['changes']}; name another file and --runs"
        )
    for recipe in arguments.recipes:
        if recipe not in figures["runs"]:
            found = train(recipe, arguments.data, arguments.runs, changes)
            figures["runs"][recipe] = found
            write_json(arguments.out, figures)
            print(rows({recipe: found}).splitlines()[-1], file=sys.stderr, flush=True)
    print(rows(figures["runs"]))
    return 0


def train(recipe: str, data: str, runs: Path, changes: list[str]) -> dict[str, Any]:
    """What the run measured after each epoch, and its last top-1."""
    signbit = Path(sysconfig.get_path("scripts")) / "signbit"
    out = runs / recipe
    command = [str(signbit), "train", recipe, "--data", data, "--out", str(out), *changes]
    subprocess.run(command, check=True)
    history = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return {
        "network": recipes.load(recipe).network,
        "top1": history[-1]["top1"],
        "top1_by_epoch": [entry["top1"] for entry in history],
        "train_loss": [entry["train_loss"] for entry in history],
        "seconds": sum(entry["seconds"] for entry in history),
    }


def rows(runs: dict[str, Any]) -> str:
    """The runs as a markdown table."""
    lines = [
        (f"`{run['network']}`", recipe, f"{100 * run['top1']:.1f} %", f"{run['seconds']:.0f}")
        for recipe, run in runs.items()
    ]
    return table(("network", "recipe", "top-1", "s"), lines)


if __name__ == "__main__":
    sys.exit(main())
