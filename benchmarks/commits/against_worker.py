"""One commit's side of `against.py`: a process that says a line of JSON for each line it is told.

    python commits/against_worker.py compile FOLDER NETWORK …        writes FOLDER/NETWORK.sbnn
    python commits/against_worker.py inference FOLDER/NETWORK.sbnn
    python commits/against_worker.py training NETWORK

It runs under an older commit's package too. Told a line, an `inference` or `training` process times
one turn, and says the milliseconds of a call by what was called.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

TURN_SECONDS = 0.12
BATCHES = (1, 16)
COUNTS = (1, 2, None)
"""Threads; None is what an engine takes by itself."""


def main() -> int:
    what, first, *rest = sys.argv[1:]
    if what == "compile":
        compile_networks(Path(first), rest)
        say(compiled=rest)
        return 0
    calls = {"inference": inference, "training": training}[what](first)
    say(ready=sorted(calls))
    for _ in sys.stdin:
        say(**{name: turn(call) for name, call in calls.items()})
    return 0


def compile_networks(folder: Path, names: list[str]) -> None:
    from signbit.compiler import compile_model
    from subjects.against_networks import NETWORKS, calibrated

    for name in names:
        setting = NETWORKS[name]
        channels = setting.input_size[2]
        compile_model(
            calibrated(setting),
            input_size=setting.input_size,
            mean=[0.45] * channels,
            std=[0.225] * channels,
            class_names=(),
            resize_shorter_side=setting.input_size[0],
        ).save(folder / f"{name}.sbnn")


def inference(path: str) -> dict[str, Callable[[], object]]:
    """Every batch on every number of threads that the machine has cores for."""
    import signbit

    cores = len(os.sched_getaffinity(0))
    calls: dict[str, Callable[[], object]] = {}
    for count in COUNTS:
        if count is not None and count > cores:
            continue
        engine = signbit.load(path, threads=count)
        generator = np.random.default_rng(0)
        for batch in BATCHES:
            pixels = generator.integers(0, 256, (batch, *engine.input_shape), dtype=np.uint8)
            calls[f"batch {batch}, threads {count or 'default'}"] = lambda e=engine, p=pixels: e(p)
    return calls


def training(name: str) -> dict[str, Callable[[], object]]:
    """A step on one thread: forward, cross-entropy, backward, SGD with momentum."""
    import torch
    import torch.nn.functional as F

    from subjects.against_networks import NETWORKS, images

    torch.set_num_threads(1)
    torch.manual_seed(0)
    setting = NETWORKS[name]
    model = setting.make().train()
    pixels, labels = images(setting, setting.batch), torch.randint(10, (setting.batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(pixels), labels).backward()
        optimizer.step()

    return {f"batch {setting.batch}, threads 1": step}


def turn(call: Callable[[], object]) -> float:
    """Milliseconds per call, the median of what fits into the time, two at least."""
    time.sleep(0.01)  # whoever ran before, their threads fall asleep
    call()
    times: list[float] = []
    end = time.perf_counter() + TURN_SECONDS
    while len(times) < 2 or time.perf_counter() < end:
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    sys.exit(main())
