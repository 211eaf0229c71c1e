"""Every recipe for ImageNet, for a few steps on photographs: do they run as written, to the end?

    python benchmarks/imagenet_recipes.py --data IMAGENET-SAMPLE

Makes an image folder of the first photographs of a Parquet source (train, validation), and hands
it to `signbit train` with each recipe, batches of eight and two epochs per stage; a teacher is the
recipe's network with random weights. Nothing is learned in three steps, and no figure is a result.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import torch
from pyarrow import parquet
from safetensors.torch import save_file

from measuring.tables import table
from signbit import methods, models, recipes

PHOTOGRAPHS, CLASSES = 32, 4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder of Parquet photographs")
    parser.add_argument("--recipes", nargs="*", help="their names; default: all for ImageNet")
    arguments = parser.parse_args()
    wanted = arguments.recipes or [name for name in recipes.names() if "imagenet" in name]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_photographs(arguments.data, folder / "photographs")
        rows = [(recipe, *run(recipe, folder)) for recipe in wanted]
    print(table(("recipe", "stages", "last train loss", "s"), rows))
    return int(any(loss == "failed" for _, _, loss, _ in rows))


def write_photographs(source: Path, folder: Path) -> None:
    """CLASSES classes of photographs that have nothing in common; a quarter are for validation."""
    file = sorted(source.glob("*.parquet"))[0]
    rows = parquet.ParquetFile(file).iter_batches(batch_size=PHOTOGRAPHS, columns=["image"])
    for index, row in enumerate(next(rows).to_pylist()):
        group, place = divmod(index, 4)
        split = "validation" if place == 3 else "train"
        path = folder / split / f"class-{group % CLASSES}"
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{index}.jpg").write_bytes(row["image"]["bytes"])


def run(recipe: str, folder: Path) -> tuple[str, str, str]:
    """Stages, last train loss (or "failed", after printing why) and seconds."""
    loaded = recipes.load(recipe)
    words = ["epochs=2", "batch_size=8"]
    if loaded.teacher is not None:
        words.append(f"teacher.checkpoint={teacher(loaded.teacher.network, folder)}")
    signbit = Path(sysconfig.get_path("scripts")) / "signbit"
    out = folder / recipe
    started = time.perf_counter()
    done = subprocess.run(
        [signbit, "train", recipe, "--data", folder / "photographs", "--out", out, *words],
        capture_output=True,
        text=True,
    )
    seconds = f"{time.perf_counter() - started:.0f}"
    stages = str(len(loaded.stages or (None,)))
    if done.returncode:
        print(f"{recipe}: {done.stderr.strip().splitlines()[-1]}")
        return stages, "failed", seconds
    last = json.loads((out / "metrics.jsonl").read_text("utf-8").splitlines()[-1])
    return stages, f"{last['train_loss']:.3f}", seconds


def teacher(network: str | None, folder: Path) -> Path:
    """Weights of `network` for the photographs' classes, random; written once."""
    assert network is not None
    path = folder / f"{network}.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        model = models.build(network, methods.get("real"), classes=CLASSES, channels=3)
        save_file(model.state_dict(), path)
    return path


if __name__ == "__main__":
    sys.exit(main())
