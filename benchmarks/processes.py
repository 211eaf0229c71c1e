"""Training throughput of the same cores as one process with threads, or as processes.

    python benchmarks/processes.py --data CIFAR10 --out benchmarks/results/processes.json

Both train SD-BNN ResNet-20 with the same batch of 128 through the installed `signbit train`, in
turns; figures are those of the second epoch, so that starting counts for nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from pyarrow import parquet

from measuring import machine
from measuring.tables import table
from measuring.written import write_json

BATCH = 128
STEPS = 24
RECIPE = "sdbnn-resnet20-cifar10"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of CIFAR-10 Parquet files")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    layouts = {
        f"1 process × {arguments.cores} threads": (1, arguments.cores),
        f"{arguments.cores} processes × 1 thread": (arguments.cores, 1),
    }
    found: dict[str, list[float]] = {name: [] for name in layouts}
    with tempfile.TemporaryDirectory() as scratch:
        data = some_images(arguments.data, Path(scratch) / "data")
        for number in range(arguments.rounds):
            for name, (processes, threads) in layouts.items():
                out = Path(scratch) / f"run-{processes}-{number}"
                found[name].append(images_per_second(data, out, processes, threads))
    rows = [
        [name, f"{max(rates):.0f}", f"{statistics.median(rates):.0f}"]
        for name, rates in found.items()
    ]
    print(table(["layout", "images/s, best", "images/s, median"], rows))
    if arguments.out:
        figures = {
            "machine": machine.facts("torch", "accelerate"),
            "recipe": RECIPE,
            "batch": BATCH,
            "steps": STEPS,
            "images_per_second": found,
        }
        write_json(arguments.out, figures)
    return 0


def some_images(source: Path, target: Path) -> Path:
    """A folder of as many images as an epoch takes, and 256 to test on."""
    target.mkdir()
    for split, count in (("train", BATCH * STEPS), ("test", 256)):
        (stored,) = source.glob(f"{split}-*.parquet")
        rows = next(parquet.ParquetFile(stored).iter_batches(count))
        with parquet.ParquetWriter(target / f"{split}.parquet", rows.schema) as writer:
            writer.write_batch(rows)
    return target


def images_per_second(data: Path, out: Path, processes: int, threads: int) -> float:
    """Of the second epoch of a new run."""
    signbit = Path(sysconfig.get_path("scripts")) / "signbit"
    command = [str(signbit), "train", RECIPE, "--data", str(data), "--out", str(out), "epochs=2"]
    if processes > 1:
        launch = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        command = [sys.executable, "-m", *launch, "--no-python", *command]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    last = (out / "metrics.jsonl").read_text().splitlines()[-1]
    return float(json.loads(last)["images_per_second"])


if __name__ == "__main__":
    sys.exit(main())
