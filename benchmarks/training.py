"""Images a second in training, beside the same networks in plain PyTorch; bytes kept for backward.

    python benchmarks/training.py --networks resnet20 --out benchmarks/results/training.json

A step is forward, cross-entropy, backward and SGD with momentum on random images of CIFAR's size.
Contenders take turns of one step; figures are medians, ratios those of one run.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=REFERENCES, default=list(REFERENCES))
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=15, help="timed steps of each contender")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    threads = torch.get_num_threads()
    results = {
        name: _compare(name, arguments.batch, arguments.steps) for name in arguments.networks
    }
    rows = [
        [
            name,
            contender,
            figure(values["images_per_second"]),
            figure(values["ratio"]),
            figure(values["kept_mib"]),
            figure(values["kept_ratio"]),
        ]
        for name, contenders in results.items()
        for contender, values in contenders.items()
    ]
    heads = ["network", "training", "images/s", "ratio", "MiB kept", "ratio"]
    print(table(heads, rows))
    if arguments.out is not None:
        report = {
            "machine": machine.facts("torch"),
            "command": f"python benchmarks/training.py --batch {arguments.batch}",
            "threads": threads,
            "results": results,
        }
        arguments.out.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _compare(name: str, batch: int, steps: int) -> dict[str, dict[str, float]]:
    torch.manual_seed(SEED)
    images = torch.randn(batch, 3, 32, 32)
    labels = torch.randint(10, (batch,))
    ours = models.build(name, methods.get("sdbnn"), classes=10, channels=3)
    contenders: dict[str, Callable[[], None]] = {}
    kept: dict[str, float] = {}
    for contender, model, native, gradients in (
        ("plain PyTorch", REFERENCES[name](), False, torch.float32),
        ("signbit's layers, native ops off", copy.deepcopy(ours), False, torch.float32),
        ("signbit", copy.deepcopy(ours), True, torch.float32),
        ("signbit, bfloat16 gradients", ours, True, torch.bfloat16),
    ):
        x = images.contiguous(memory_format=torch.channels_last) if native else images
        step = _switched(_step(model, x, labels), native, gradients)
        try:
            kept[contender] = _kept_mib(step, model)
        except IsaError as error:
            print(f"{name}: without {contender}: {error}")
        else:
            contenders[contender] = step
    seconds: dict[str, list[float]] = {contender: [] for contender in contenders}
    for number in range(steps + 2):
        for contender, run in contenders.items():
            started = time.perf_counter()
            run()
            if number >= 2:
                seconds[contender].append(time.perf_counter() - started)
    medians = {contender: statistics.median(values) for contender, values in seconds.items()}
    first = next(iter(medians))
    return {
        contender: {
            "images_per_second": batch / median,
            "ratio": medians[first] / median,
            "kept_mib": kept[contender],
            "kept_ratio": kept[contender] / kept[first],
        }
        for contender, median in medians.items()
    }


def _step(model: nn.Module, images: Tensor, labels: Tensor) -> Callable[[], None]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    model.train()

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def _switched(step: Callable[[], None], native: bool, gradients: torch.dtype) -> Callable[[], None]:
    def run() -> None:
        with use_native_ops(native, gradients):
            step()

    return run


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
