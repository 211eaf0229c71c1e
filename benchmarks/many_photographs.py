"""Peak memory of `signbit predict` and `signbit evaluate`, for 1,000 photographs and for 50,000.

    python benchmarks/many_photographs.py --data PATH --out benchmarks/results/many_photographs.json

PATH is a folder of Parquet files with photographs, as ImageNet's. Some hundred of them lie under
many names (hard links) in a temporary folder, where each is decoded as often as it has names. The
network is small, so that the time is that of decoding. Memory is the most that a fresh process ever
held (VmHWM).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from measuring import machine
from measuring.tables import table

COUNTS = (1000, 50_000)
PHOTOGRAPHS = 500
CLASSES = ("even", "odd")

RUN = """
from signbit.cli.main import run
code = run({arguments!r})
assert code == 0, code
import sys
status = open("/proc/self/status").read()
print("VmHWM", int(status.split("VmHWM:")[1].split()[0]) / 1024, file=sys.stderr)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="where photographs are")
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {
        "command": "python benchmarks/many_photographs.py --data PATH",
        "machine": machine.facts("numpy", "pillow"),
        "photographs": PHOTOGRAPHS,
        "runs": [],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "network.sbnn"
        model.write_bytes(network())
        originals = photographs(arguments.data, folder / "originals")
        for count in COUNTS:
            data = folder / str(count)
            link(originals, data, count)
            answers = folder / f"{count}.csv"
            commands = (
                ["predict", model, data / "test", "--out", answers],
                ["evaluate", model, "--data", data, "--json"],
            )
            with ThreadPoolExecutor() as pool:  # side by side
                figures["runs"] += pool.map(measured, commands, [count] * len(commands))
            if len(answers.read_text("utf-8").splitlines()) != count + 1:
                raise SystemExit(f"{answers}: a line for each photograph was expected")
    print(rows(figures))
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def network() -> bytes:
    """A file for 224×224 pixels."""
    from torch import nn

    from signbit.compiler import compile_model

    layers = nn.Sequential(
        nn.Conv2d(3, 16, 7, stride=8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, len(CLASSES)),
    )  # fmt: skip
    return compile_model(
        layers.eval(),
        input_size=(224, 224, 3),
        mean=[0.5] * 3,
        std=[0.5] * 3,
        class_names=CLASSES,
        resize_shorter_side=256,
    ).data


def photographs(data: Path, folder: Path) -> list[Path]:
    """Some photographs of a Parquet file, one to a file."""
    from pyarrow import parquet

    folder.mkdir()
    file = next(iter(sorted(data.rglob("*.parquet"))))
    rows = next(parquet.ParquetFile(file).iter_batches(PHOTOGRAPHS, columns=["image"]))
    paths = []
    for index, row in enumerate(rows.column("image").to_pylist()):
        paths.append(folder / f"{index}.jpg")
        paths[-1].write_bytes(row["bytes"])
    return paths


def link(originals: list[Path], folder: Path, count: int) -> None:
    """A folder of `count` test images, half of them in each class."""
    for name in CLASSES:
        for split in ("train", "test"):
            (folder / split / name).mkdir(parents=True)
        (folder / "train" / name / "0.jpg").hardlink_to(originals[0])
    for index in range(count):
        path = folder / "test" / CLASSES[index % 2] / f"{index}.jpg"
        path.hardlink_to(originals[index // 2 % len(originals)])


def measured(command: list[Any], count: int) -> dict[str, Any]:
    """The peak memory of a command in MiB."""
    words = [str(word) for word in command]
    code = RUN.format(arguments=words)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return {
        "command": words[0],
        "images": count,
        "peak_mb": float(done.stderr.split("VmHWM")[1]),
    }


def rows(figures: dict[str, Any]) -> str:
    """The figures as a markdown table."""
    lines = []
    for command in ("predict", "evaluate"):
        peaks = [run["peak_mb"] for run in figures["runs"] if run["command"] == command]
        lines.append((f"`{command}`", *(f"{peak:.0f}" for peak in peaks)))
    return table(("peak memory, MiB", *(f"{count:,} photographs" for count in COUNTS)), lines)


if __name__ == "__main__":
    sys.exit(main())
