"""Photographs per second of examples/batch_ray.py, two workers against one, and one that is killed.

    python benchmarks/batch.py --data PATH --out benchmarks/results/batch.json

PATH is a folder of Parquet files with photographs, as ImageNet's. A thousand of them become files
that lie under ten names each (hard links), and each name is read, decoded and scored. The network
is Bi-Real ResNet-18 with random weights, or --model.

The runs with one and with two workers take turns. Speed is that of the program's last line, from
the start of the work, when the cluster is there and its workers are not; `command_s` is the whole
command. In one more run a worker is killed when a third of the answers is there.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from pyarrow import parquet

from measuring import machine
from measuring.tables import figure, table
from measuring.written import write_json

PROGRAM = Path(__file__).resolve().parents[1] / "examples" / "batch_ray.py"
ORIGINALS, NAMES = 1000, 10
SPEED = re.compile(r"([\d,]+) of ([\d,]+) photographs, ([\d,]+) per second")
WORKER = "MapWorker"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="where photographs are")
    parser.add_argument("--model", type=Path, help="another network")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--names", type=int, default=NAMES, help="of each photograph")
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sb") as name:  # short, as sockets lie in it
        folder = Path(name)
        model = given.model or folder / "model.sbnn"
        if not given.model:
            model.write_bytes(network())
        photos = photographs(given.data, folder / "photographs", given.names)
        figures: dict[str, Any] = {
            "command": "python benchmarks/batch.py --data PATH",
            "machine": machine.facts("ray", "pyarrow", "pillow"),
            "photographs": len(photos),
            "runs": [],
        }
        for round_ in range(given.rounds):
            for workers in (1, 2) if round_ % 2 == 0 else (2, 1):
                figures["runs"].append(run(folder, model, photos, workers, kill=False))
                print(rows(figures), flush=True)
        figures["killed"] = run(folder, model, photos, 2, kill=True)
        print(figures["killed"])
    if given.out:
        write_json(given.out, figures)
    return 0


def network() -> bytes:
    from subjects.networks import compiled_bytes

    return compiled_bytes("bireal-resnet18-224", int16_stem=True)


def photographs(data: Path, folder: Path, names: int) -> set[str]:
    """Paths of photographs, each under so many names."""
    file = parquet.ParquetFile(sorted(data.rglob("*.parquet"))[0])
    paths = set()
    index = 0
    for batch in file.iter_batches(64, columns=["image"]):
        for row in batch.column("image").to_pylist():
            if index == ORIGINALS:
                return paths
            first = folder / "0" / f"{index}.jpg"
            for number in range(names):
                path = folder / str(number) / f"{index}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                if number:
                    path.hardlink_to(first)
                else:
                    path.write_bytes(row["bytes"])
                paths.add(str(path))
            index += 1
    return paths


def run(folder: Path, model: Path, photos: set[str], workers: int, kill: bool) -> dict[str, Any]:
    """Figures of one run, whose answers are counted: each photograph must be there once."""
    out = folder / "answers"
    command = [sys.executable, PROGRAM, model, folder / "photographs", out, "--workers", workers]
    begun = time.monotonic()
    with (folder / "said.txt").open("w+") as file:
        process = subprocess.Popen(
            [str(word) for word in command],
            env={**os.environ, "RAY_TMPDIR": str(folder), "RAY_USAGE_STATS_ENABLED": "0"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        if kill:
            kill_a_worker(process, out, len(photos) // 3)
        process.wait()
        seconds = time.monotonic() - begun
        file.seek(0)
        said = file.read()
    speeds = SPEED.findall(said)
    if process.returncode != 0 or not speeds:
        sys.exit(said[-5000:])
    tables = [parquet.read_table(path) for path in out.glob("*.parquet")]
    files = [file for each in tables for file in each["file"].to_pylist()]
    shutil.rmtree(out)
    if len(files) != len(photos) or {*files} != photos:
        sys.exit(f"{len(files)} answers, {len({*files})} different, of {len(photos)} photographs")
    per_s = float(speeds[-1][2].replace(",", ""))
    failed = sum(len(each) - each["reason"].null_count for each in tables)
    return {"workers": workers, "per_s": per_s, "command_s": seconds, "failed": failed}


def kill_a_worker(process: subprocess.Popen[bytes], out: Path, least: int) -> None:
    """Kill one when so many answers are there."""
    while count(out) < least:
        if process.poll() is not None:
            return
        time.sleep(0.1)
    for each in psutil.Process(process.pid).children(recursive=True):
        if WORKER in " ".join(each.cmdline()):
            each.kill()
            return
    sys.exit("no worker was found to kill")


def count(out: Path) -> int:
    return sum(parquet.read_metadata(path).num_rows for path in out.glob("*.parquet"))


def rows(figures: dict[str, Any]) -> str:
    """The figures as a markdown table."""
    speeds = {
        workers: [each["per_s"] for each in figures["runs"] if each["workers"] == workers]
        for workers in (1, 2)
    }
    lines = [
        (workers, len(each), figure(statistics.median(each)), figure(min(each)), figure(max(each)))
        for workers, each in speeds.items()
        if each
    ]
    return table(("workers", "runs", "photographs per s, median", "least", "most"), lines)


if __name__ == "__main__":
    sys.exit(main())
