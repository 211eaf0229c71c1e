"""One commit's side of `same_answers.py`: a process that compiles cases and runs their files.

    python commits/same_answers_worker.py [CIFAR IMAGENET]

A line of its input is a task: {"folder", "side", "count", "case"}; case is a network, its method,
bits and weights. With photographs it writes the weights, FOLDER/weights.safetensors. Then it reads
them and writes FOLDER/SIDE.npz: the logits of `count` random images by instruction set, and the
file's size. A line of its output is what failed, or empty. Each task has a process of its own,
forked from one that has imported everything. Without photographs it runs under an older commit's
package too.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import signbit
from subjects.grid_cases import Case, Photographs, built, compiled_as, finished

WEIGHTS = "weights.safetensors"


WARM = Case("digits", "bnn", "1/1", "random")
"""What is compiled before the first task, so that no task imports a thing."""


def main() -> int:
    photographs = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a task prints is no answer
    torch.set_num_threads(1)
    compiled_as(WARM, built(WARM, 10).eval())
    for line in sys.stdin:
        print(forked(json.loads(line), photographs), file=answers, flush=True)
    return 0


def forked(task: dict[str, Any], photographs: list[str]) -> str:
    """Do a task in a process of its own; what failed, in one line."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        failure = ""
        try:
            do(task, photographs)
        except Exception as error:
            failure = f"{type(error).__name__}: {error}".replace("\n", " ")
        os.write(writer, failure.encode()[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        failure = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    return failure or (f"ended with status {status}" if status else "")


def do(task: dict[str, Any], photographs: list[str]) -> None:
    """Draw the case's weights where there are photographs, and answer."""
    folder, case = Path(task["folder"]), Case(*task["case"])
    if photographs:
        draw(folder, case, Photographs(*photographs))
    answer(folder, task["side"], task["count"], case)


def draw(folder: Path, case: Case, photographs: Photographs) -> None:
    """Save the case's weights, so that both commits compile the same ones."""
    model, classes = finished(case, photographs)
    state = {name: value.contiguous().clone() for name, value in model.state_dict().items()}
    save_file(state, folder / WEIGHTS, {"classes": str(classes)})


def answer(folder: Path, side: str, count: int, case: Case) -> None:
    """Compile the case with the saved weights, and run random images on every instruction set."""
    with safe_open(folder / WEIGHTS, "pt") as file:
        model = built(case, int(file.metadata()["classes"]))
        names = file.keys()
        model.load_state_dict({name: file.get_tensor(name) for name in names})
    data = compiled_as(case, model.eval()).data
    generator = np.random.default_rng(zlib.crc32(case.name.encode()))
    found: dict[str, np.ndarray] = {"bytes": np.array(len(data))}
    images = None
    for isa in signbit.cpu_isas():
        engine = signbit.load(data, threads=1, isa=isa)
        if images is None:
            images = generator.integers(0, 256, (count, *engine.input_shape), dtype=np.uint8)
        found[isa] = engine(images)
    np.savez(folder / f"{side}.npz", **found)


if __name__ == "__main__":
    sys.exit(main())
