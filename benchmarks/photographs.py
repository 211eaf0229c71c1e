"""How well few photographs are told apart, by each way that the documents offer: cross-validation.

    python benchmarks/photographs.py --data PATH --weights FILE --work DIR --out RESULTS.json

PATH is a folder of Parquet files with photographs of ImageNet's 1,000 classes; those of four groups
of classes are taken: dogs, birds, reptiles and amphibians, food. FILE are the published weights of
AdaBin's ResNet-20 (docs/importing.md), the trained backbone. Each fold holds out a fifth of each
group, and everything else is the training's, the choice of the epoch included. Runs are kept in
DIR; what RESULTS.json has is not made again, and a run that was broken off goes on. `top1` is the
compiled file's on the fold that was held out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from measuring import machine, runs
from measuring.tables import table
from measuring.written import resumed, write_json

GROUPS = {
    "bird": (*range(7, 25), *range(80, 101), *range(127, 147)),
    "dog": range(151, 211),
    "food": range(924, 970),
    "reptile": range(25, 69),
}
"""The four classes, and which of ImageNet's are in each."""

FOLDS = 5
BACKBONE = "backbone"

ROUTES: dict[str, list[list[str]]] = {
    "photos": [["train", "photos", "--out", "{run}", "--no-deliver", "start={backbone}"]],
    "photos-scratch": [["train", "photos", "--out", "{run}", "--no-deliver", "optimizer.lr=0.05"]],
    "recipe": [["train", "sdbnn-resnet20-cifar10", "--out", "{run}", "epochs=400"]],
    "unlabelled": [
        ["pretrain", "s2bnn-baseline-resnet20-cifar10", "--out", "{run}-a", "epochs=200"],
        ["finetune", "{run}-a", "--labels", "1", "--out", "{run}", "epochs=200"],
    ],
    "finetune": [["finetune", "{backbone}", "--labels", "1", "--out", "{run}", "epochs=200"]],
    "probe": [["probe", "{backbone}", "--out", "{run}"]],
}
"""The commands of each way, one after another, each with --data, too."""

COMPILED = {"probe": ["{backbone}", "--probe", "{run}"]}
"""What is compiled then, where that is not the run alone."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="where photographs are")
    parser.add_argument("--weights", type=Path, required=True, help="AdaBin's ResNet-20")
    parser.add_argument("--work", type=Path, required=True, help="where folds and runs are kept")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--routes", nargs="+", choices=ROUTES, default=[*ROUTES])
    parser.add_argument("--folds", nargs="+", type=int, choices=range(FOLDS), default=range(FOLDS))
    parser.add_argument("--seed", type=int, default=0, help="of the folds and of the trainings")
    arguments = parser.parse_args()
    figures: dict[str, Any] = resumed(
        arguments.out,
        {
            "command": "python benchmarks/photographs.py --data PATH --weights FILE --work DIR",
            "machine": machine.facts("torch", "pillow"),
            "seed": arguments.seed,
            "commands": ROUTES,
            "runs": [],
        },
    )
    if figures["seed"] != arguments.seed:
        sys.exit(f"{arguments.out}: made with --seed {figures['seed']}; name another file")
    made = folds(arguments.data, arguments.work / f"seed-{arguments.seed}", arguments.seed)
    backbone = arguments.work / BACKBONE
    if not backbone.exists():
        runs.signbit("import", "adabin-resnet20", str(arguments.weights), "-o", str(backbone))
    done = {(each["route"], each["fold"]) for each in figures["runs"]}
    for number, route in product(arguments.folds, arguments.routes):
        if (route, number) not in done:
            found = measured(route, made[number], backbone, arguments.seed)
            figures["runs"].append({"route": route, "fold": number, **found})
            write_json(arguments.out, figures)
            print(rows(figures["runs"]), flush=True)
    print(rows(figures["runs"]))
    return 0


def folds(data: Path, work: Path, seed: int) -> list[Path]:
    """A folder for each fold, with train/ and test/, the photographs linked from one copy."""
    done = work / "done"
    paths = [work / f"fold-{number}" for number in range(FOLDS)]
    if done.exists():
        return paths
    originals = photographs(data, work / "photographs")
    generator = np.random.default_rng(seed)
    for group, files in originals.items():
        for place, index in enumerate(generator.permutation(len(files)).tolist()):
            for number, path in enumerate(paths):
                folder = path / ("test" if place % FOLDS == number else "train") / group
                folder.mkdir(parents=True, exist_ok=True)
                link = folder / files[index].name
                if not link.exists():
                    link.hardlink_to(files[index])
    done.touch()
    return paths


def photographs(data: Path, folder: Path) -> dict[str, list[Path]]:
    """The photographs of each group as files, in the order of their rows."""
    groups = {label: group for group, labels in GROUPS.items() for label in labels}
    written: dict[str, list[Path]] = {group: [] for group in GROUPS}
    for file in sorted(data.rglob("*.parquet")):
        for row in pq.read_table(file, columns=["image", "label"]).to_pylist():
            if group := groups.get(row["label"]):
                path = folder / group / f"{file.stem}-{len(written[group]):04d}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(row["image"]["bytes"])
                written[group].append(path)
    return written


def measured(route: str, fold: Path, backbone: Path, seed: int) -> dict[str, Any]:
    """Train by a route on a fold's training photographs; what its file answers to the others."""
    run = fold.parent / "runs" / f"{fold.name}-{route}"
    data = ["--data", str(fold)]
    started = time.monotonic()
    figures: dict[str, Any] = {}
    for command in ROUTES[route]:
        seeds = [] if command[0] == "probe" else [f"seed={seed}"]
        figures = signbit(*named(command, run, backbone), *data, *seeds)
    minutes = (time.monotonic() - started) / 60
    model = run / "model.sbnn"
    what = named(COMPILED.get(route, ["{run}"]), run, backbone)
    runs.signbit("compile", *what, "-o", str(model), "--images", "32", *data)
    answers = signbit("evaluate", str(model), *data)
    return {
        "top1": answers["top1"],
        "pytorch_top1": figures["top1"],
        "minutes": minutes,
        "interrupted": figures.get("resumed_from", 0) > 0,
        "epochs": figures["epochs"],
        "kept_epoch": figures.get("kept_epoch"),
    }


def named(words: list[str], run: Path, backbone: Path) -> list[str]:
    """The words of a command with these paths."""
    return [word.format(run=run, backbone=backbone) for word in words]


def signbit(*words: str) -> dict[str, Any]:
    """The JSON object that a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "signbit", *words, "--json"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows(found: list[dict[str, Any]]) -> str:
    """A line for each route: its top-1 over the folds that are done."""
    lines = []
    for route in ROUTES:
        own = [each for each in found if each["route"] == route]
        if own:
            top1 = [100 * each["top1"] for each in own]
            spread = statistics.stdev(top1) if len(top1) > 1 else 0.0
            longest = max(each["minutes"] for each in own)
            lines.append(
                [route, len(own), f"{statistics.mean(top1):.1f}", f"{spread:.1f}", f"{longest:.1f}"]
            )
    return table(["route", "folds", "top-1, %", "std", "longest, min"], lines)


if __name__ == "__main__":
    raise SystemExit(main())
