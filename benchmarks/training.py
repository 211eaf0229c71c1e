"""Images per second in training, and bytes kept for backward, beside plain PyTorch networks.

    python benchmarks/training.py --networks resnet20 --out benchmarks/results/training.json

A step is forward, cross-entropy, backward and SGD with momentum on random images of CIFAR's size.
Each contender has a process of its own, as training has. They take turns of a few steps, of which
the first is not counted. Figures are medians, ratios the medians of the turns' ratios.
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

from measuring import machine
from measuring.tables import figure, table
from measuring.written import write_json
from signbit.errors import IsaError
from signbit.fast import use_native_ops
from subjects.training_reference import SUBJECTS

SEED = 0
WARM_UP = 1  # turns

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
        model = SUBJECTS[network].plain() if self.plain else SUBJECTS[network].own()
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
    parser.add_argument("--networks", nargs="+", choices=SUBJECTS, default=list(SUBJECTS))
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="timed steps of a turn")
    parser.add_argument("--out", type=Path, help="JSON; networks of an earlier run stay in it")
    parser.add_argument("--work", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work is not None:
        return _work(CONTENDERS[arguments.work], *arguments.networks, arguments.batch)
    results = {
        name: _compare(name, arguments.batch, arguments.turns, arguments.steps)
        for name in arguments.networks
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
        write_json(arguments.out, report)
    return 0


def _earlier(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())["results"]) if path.exists() else {}


def _compare(name: str, batch: int, turns: int, steps: int) -> dict[str, dict[str, float]]:
    workers = {label: _Worker(label, name, batch) for label in CONTENDERS}
    kept = {label: worker.answer() for label, worker in workers.items()}
    for label in [label for label, value in kept.items() if "error" in value]:
        print(f"{name}: without {label}: {kept.pop(label)['error']}")
        workers.pop(label).end()
    seconds: dict[str, list[float]] = {label: [] for label in workers}
    for number in range(turns + WARM_UP):
        for label, worker in workers.items():
            took = worker.turn(steps)
            if number >= WARM_UP:
                seconds[label].append(took)
    peaks = {label: worker.end() for label, worker in workers.items()}
    return {
        label: {
            "images_per_second": batch / statistics.median(times),
            "ratio": statistics.median(
                plain / own for plain, own in zip(seconds[PLAIN], times, strict=True)
            ),
            "kept_mib": kept[label]["kept_mib"],
            "kept_ratio": kept[label]["kept_mib"] / kept[PLAIN]["kept_mib"],
            "peak_mib": peaks[label],
        }
        for label, times in seconds.items()
    }


class _Worker:
    """A process that trains one contender, a step at a time; `_work` is its other end."""

    def __init__(self, label: str, network: str, batch: int) -> None:
        command = [sys.executable, __file__, "--work", label, "--networks", network]
        self._process = subprocess.Popen(
            [*command, "--batch", str(batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a worker ended early; what it said is above")
        return dict(json.loads(line))

    def turn(self, steps: int) -> float:
        """Seconds per step."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        return float(self.answer()["seconds"])

    def end(self) -> float:
        """The most memory, in MiB, that the process ever held; PyTorch itself included."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        peak = float(self.answer()["peak_mib"])
        self._process.wait()
        return peak


def _work(contender: Contender, network: str, batch: int) -> int:
    """Says what is kept for backward, takes a turn for each line, then says the peak memory."""
    model, step = contender.step(network, batch)
    try:
        _say(kept_mib=_kept_mib(step, model))
    except IsaError as error:
        _say(error=str(error))
    for line in sys.stdin:
        steps = int(line)
        step()  # wakes threads and fills caches, which another process has had
        started = time.perf_counter()
        for _ in range(steps):
            step()
        _say(seconds=(time.perf_counter() - started) / steps)
    status = Path("/proc/self/status").read_text()
    _say(peak_mib=int(status.split("VmHWM:")[1].split()[0]) / 1024)
    return 0


def _say(**values: object) -> None:
    print(json.dumps(values), flush=True)


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
