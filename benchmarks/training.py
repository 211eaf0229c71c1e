"""Images a second in training, beside the same networks in plain PyTorch; bytes kept for backward.

    python benchmarks/training.py --networks resnet20 --out benchmarks/results/training.json

A step is forward, cross-entropy, backward and SGD with momentum on random images of CIFAR's size.
Contenders take turns of one step; figures are medians, ratios those of one run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import machine
from signbit import methods, models
from signbit.errors import IsaError
from signbit.ops import use_native_ops
from tables import figure, table
from training_reference import REFERENCES

SEED = 0

PLAIN = "plain PyTorch"


@dataclass(frozen=True)
class Contender:
    """How a network is trained; `plain` is the one that training_reference.py defines."""

    plain: bool
    native: bool
    gradients: torch.dtype = torch.float32

    def step(self, network: str, batch: int) -> tuple[nn.Module, Callable[[], None]]:
        """A model, the same for each contender but the plain one, and what does one step."""
        torch.manual_seed(SEED)
        images, labels = torch.randn(batch, 3, 32, 32), torch.randint(10, (batch,))
        if self.plain:
            model = REFERENCES[network]()
        else:
            model = models.build(network, methods.get("sdbnn"), classes=10, channels=3)
        if self.native:
            images = images.contiguous(memory_format=torch.channels_last)
        step = _step(model, images, labels)

        def run() -> None:
            with use_native_ops(self.native, self.gradients):
                step()

        return model, run


CONTENDERS = {
    PLAIN: Contender(plain=True, native=False),
    "signbit's layers, native ops off": Contender(plain=False, native=False),
    "signbit": Contender(plain=False, native=True),
    "signbit, bfloat16 gradients": Contender(False, True, torch.bfloat16),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=REFERENCES, default=list(REFERENCES))
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=15, help="timed steps of each contender")
    parser.add_argument("--out", type=Path, help="JSON; networks of an earlier run stay in it")
    parser.add_argument("--peak", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak is not None:
        print(_peak_mib(CONTENDERS[arguments.peak], *arguments.networks, arguments.batch))
        return 0
    results = {
        name: _compare(name, arguments.batch, arguments.steps) for name in arguments.networks
    }
    keys = ("images_per_second", "ratio", "kept_mib", "kept_ratio", "peak_mib")
    rows = [
        [name, contender, *(figure(values[key]) for key in keys)]
        for name, contenders in results.items()
        for contender, values in contenders.items()
    ]
    heads = ["network", "training", "images/s", "ratio", "MiB kept", "ratio", "MiB, process"]
    print(table(heads, rows))
    if arguments.out is not None:
        report = {
            "machine": machine.facts("torch"),
            "command": f"python benchmarks/training.py --batch {arguments.batch}",
            "threads": torch.get_num_threads(),
            "results": _earlier(arguments.out) | results,
        }
        arguments.out.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _earlier(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())["results"]) if path.exists() else {}


def _compare(name: str, batch: int, steps: int) -> dict[str, dict[str, float]]:
    contenders: dict[str, Callable[[], None]] = {}
    kept: dict[str, float] = {}
    for label, contender in CONTENDERS.items():
        model, step = contender.step(name, batch)
        try:
            kept[label] = _kept_mib(step, model)
        except IsaError as error:
            print(f"{name}: without {label}: {error}")
        else:
            contenders[label] = step
    seconds: dict[str, list[float]] = {label: [] for label in contenders}
    for number in range(steps + 2):
        for label, run in contenders.items():
            started = time.perf_counter()
            run()
            if number >= 2:
                seconds[label].append(time.perf_counter() - started)
    return {
        label: {
            "images_per_second": batch / statistics.median(times),
            "ratio": statistics.median(
                plain / own for plain, own in zip(seconds[PLAIN], times, strict=True)
            ),
            "kept_mib": kept[label],
            "kept_ratio": kept[label] / kept[PLAIN],
            "peak_mib": _peak_of_a_process(label, name, batch),
        }
        for label, times in seconds.items()
    }


def _peak_of_a_process(label: str, name: str, batch: int) -> float:
    """The most memory that a fresh process holds in three steps, PyTorch itself included."""
    command = [sys.executable, __file__, "--peak", label, "--networks", name, "--batch", str(batch)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _peak_mib(contender: Contender, network: str, batch: int) -> float:
    _, step = contender.step(network, batch)
    for _ in range(3):
        step()
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _step(model: nn.Module, images: Tensor, labels: Tensor) -> Callable[[], None]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    model.train()

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def _kept_mib(step: Callable[[], None], model: nn.Module) -> float:
    """What autograd holds between forward and backward, each memory counted once; no parameters."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    return sum(kept.values()) / 2**20


if __name__ == "__main__":
    sys.exit(main())
