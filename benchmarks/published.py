"""The published networks of signs: top-1, bytes and time, imported and compiled.

    python benchmarks/published.py --shared ../shared --out benchmarks/results/published.json

Files and test images are those beside the repository: weights/NAME.safetensors or
weights/NAME.qonnx.onnx, and data/cifar10 and data/mnist. Times are medians of one image on one
thread.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import signbit
from measuring import machine
from measuring.interleave import interleave, median
from measuring.tables import figure, table
from measuring.written import write_json
from signbit.cli.runs import compile_run
from signbit.data import open_dataset
from signbit.exchange import published

NETWORKS = {
    "cnv-w1a1-cifar10": ("cifar10", 10_000),
    "lfc-w1a1-mnist": ("mnist", 3000),
    "tfc-w1a1-mnist": ("mnist", 3000),
}
"""Name → its test images, and how many of them, from the first on."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one network."""

    images: int
    right: int
    file_bytes: int
    """Of the file that was imported."""
    model_bytes: int
    ms: float

    @property
    def top1(self) -> float:
        """Share of the images whose class is right."""
        return self.right / self.images


def measure(name: str, shared: Path, count: int, seconds: float = 1.0) -> Figures:
    """Import and compile a network of NETWORKS, and run it on its first `count` test images."""
    (file,) = (shared / "weights").glob(f"{name}.*[!d]")
    with tempfile.TemporaryDirectory() as folder:
        run = published.import_network(name, file, Path(folder) / "run")
    data = compile_run(run).data
    images = open_dataset(shared / "data" / NETWORKS[name][0], "test").take(np.arange(count))
    fitted = run.preprocessing.fit(images)
    engine = signbit.load(data, threads=1)
    right = int((engine(fitted.images).argmax(1) == fitted.labels).sum())
    one = fitted.images[:1]
    samples = interleave({name: lambda: engine(one)}, seconds)
    return Figures(count, right, file.stat().st_size, len(data), median(samples, name))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="the folder of both")
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    arguments = parser.parse_args()
    found = {name: measure(name, arguments.shared, count) for name, (_, count) in NETWORKS.items()}
    rows = [
        (name, each.images, f"{each.top1:.2%}", f"{each.model_bytes:,}", figure(each.ms))
        for name, each in found.items()
    ]
    print(table(("", "images", "top-1", "bytes", "ms"), rows))
    if arguments.out:
        networks = {name: {**asdict(each), "top1": each.top1} for name, each in found.items()}
        facts = machine.facts("torch", "onnx")
        figures = {"command": "python benchmarks/published.py", "machine": facts}
        write_json(arguments.out, {**figures, "networks": networks})
    return 0


if __name__ == "__main__":
    sys.exit(main())
