"""The real-valued layers of ResNet-18 at 224, in place, against every version OpenVINO has of them.

    python benchmarks/real_parts.py --out benchmarks/results/real_parts.json

On one core; each layer as it runs in its network, from the engines' own clocks: ours fused with
the signs or the sum that follow, OpenVINO's with what it fuses. The binary network's layers run in
float32 and bfloat16, those of the real-valued ResNet-18 in int8 too.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
import torch

import signbit
from measuring import machine
from measuring.cores import restricted
from measuring.tables import figure, table
from measuring.written import write_json
from peers import peer_models
from peers.openvino_graph import PART, translate
from peers.openvino_peer import OpenVino
from signbit.bitformat import decode

BINARY, REAL = "bireal-resnet18-224", "resnet18-224"
PACKAGES = ("openvino", "onnx", "torch")

PARTS = {
    "stem 7x7, 224 to 112x112x64": ("stem.0", ("x", "/conv1/")),
    "max pool 3x3, 112 to 56x56x64": ("stem.3", ("/MaxPool",)),
    "average pool, 56 to 28x28x64": ("stages.4.shortcut.0", ()),
    "shortcut 1x1, 64 to 128, 28x28": ("stages.4.shortcut.1", ("/layer2/layer2.0/downsample/",)),
    "average pool, 28 to 14x14x128": ("stages.8.shortcut.0", ()),
    "shortcut 1x1, 128 to 256, 14x14": ("stages.8.shortcut.1", ("/layer3/layer3.0/downsample/",)),
    "average pool, 14 to 7x7x256": ("stages.12.shortcut.0", ()),
    "shortcut 1x1, 256 to 512, 7x7": ("stages.12.shortcut.1", ("/layer4/layer4.0/downsample/",)),
    "global mean, 7x7x512": ("mean", ("/ReduceMean",)),
    "classifier, 512 to 1000": ("classifier", ("/fc/", "y")),
}
"""Layer → our node, and how the names of the real network's operations begin."""

OURS = ("signbit, float32 stem", "signbit, int16 stem")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    parser.add_argument("--quick", action="store_true", help="a few seconds, no int8")
    parser.add_argument("--seconds", type=float, default=40)
    arguments = parser.parse_args()
    with restricted(1):
        torch.set_num_threads(1)
        seconds = 5 if arguments.quick else arguments.seconds
        parts = measure(seconds, not arguments.quick)
    figures = {
        "command": "python benchmarks/real_parts.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts(*PACKAGES),
        "threads": 1,
        "parts_ms": parts,
    }
    print(rows(parts))
    if arguments.out:
        write_json(arguments.out, figures)
    return 0


def measure(seconds: float, int8: bool) -> dict[str, dict[str, float]]:
    """Part → contender → milliseconds: the median of rounds in which each has its turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peer_models.prepare(BINARY, REAL, 1, folder, int8)
        engines = {
            OURS[0]: signbit.load(folder / peer_models.FLOAT_STEM, threads=1),
            OURS[1]: signbit.load(folder / peer_models.INT16_STEM, threads=1),
        }
        images = peer_models.images_for(224, 1)
        peers = binary_peers(folder, images) | real_peers(folder, images)
    rounds: dict[str, dict[str, list[float]]] = {part: {} for part in PARTS}
    end = time.perf_counter() + seconds
    turns = 0
    while turns < 3 or time.perf_counter() < end:
        for name, engine in engines.items():
            for part, ms in ours(engine, images).items():
                rounds[part].setdefault(name, []).append(ms)
        for name, peer in peers.items():
            for part, ms in theirs(peer, name.startswith("binary")).items():
                rounds[part].setdefault(f"OpenVINO, {name}", []).append(ms)
        turns += 1
    return {
        part: {name: statistics.median(values) for name, values in contenders.items()}
        for part, contenders in rounds.items()
    }


def binary_peers(folder: Path, images: npt.NDArray[np.uint8]) -> dict[str, OpenVino]:
    translated = translate(*decode((folder / peer_models.FLOAT_STEM).read_bytes()))
    peers = {
        f"binary network, {precision} rest": OpenVino(translated.model, 1, precision, profile=True)
        for precision in ("f32", "bf16")
    }
    for peer in peers.values():
        peer.bind(translated.feed(images))
    return peers


def real_peers(folder: Path, images: npt.NDArray[np.uint8]) -> dict[str, OpenVino]:
    core = ov.Core()
    float32 = core.read_model(folder / peer_models.FLOAT32)
    peers = {f"real, {kind}": OpenVino(float32, 1, kind, profile=True) for kind in ("f32", "bf16")}
    if (folder / peer_models.INT8).exists():
        int8 = core.read_model(folder / peer_models.INT8)
        peers["real, int8"] = OpenVino(int8, 1, profile=True)
    for peer in peers.values():
        peer.bind(peer_models.normalised(images))
    return peers


def ours(engine: signbit.Engine, images: npt.NDArray[np.uint8]) -> dict[str, float]:
    nodes = {report["name"]: report["ms"] for report in engine.explain(images)}
    return {part: nodes[node] for part, (node, _) in PARTS.items()}


def theirs(peer: OpenVino, binary: bool) -> dict[str, float]:
    """The times of a part's operations, added; parts that the network lacks are left out."""
    operations = peer.node_ms(10)
    found: dict[str, float] = {}
    for part, (node, prefixes) in PARTS.items():
        wanted = (node + PART,) if binary else prefixes
        times = [ms for name, ms in operations.items() if wanted and name.startswith(wanted)]
        if wanted and not times:
            raise RuntimeError(f"{part}: no operation of the network's is called {wanted}…")
        if times:
            found[part] = sum(times)
    return found


def rows(parts: dict[str, dict[str, Any]]) -> str:
    """Microseconds as a markdown table, and our times in units of the best peer's."""
    names = list(dict.fromkeys(name for contenders in parts.values() for name in contenders))
    lines = []
    for part, ms in parts.items():
        best = min(value for name, value in ms.items() if name not in OURS)
        times = [figure(ms[name] * 1e3 if name in ms else None) for name in names]
        lines.append((part, *times, *(figure(ms[name] / best) for name in OURS)))
    return table(("µs", *names, *(f"{name}, by the best peer" for name in OURS)), lines)


if __name__ == "__main__":
    sys.exit(main())
