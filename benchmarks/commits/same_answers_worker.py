"""One commit's side of `same_answers.py`: a process that compiles one case and runs its file.

    python commits/same_answers_worker.py FOLDER SIDE COUNT CASE [CIFAR IMAGENET]

CASE is a case's network, method, bits and weights. With photographs it writes the weights,
FOLDER/weights.safetensors. Then it reads them and writes FOLDER/SIDE.npz: the logits of COUNT
random images by instruction set, and the file's size. Without photographs it runs under an older
commit's package too.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import signbit
from subjects.grid_cases import Case, Photographs, built, compiled_as, finished

WEIGHTS = "weights.safetensors"


def main() -> int:
    name, side, count, *rest = sys.argv[1:]
    folder, case, photographs = Path(name), Case(*rest[:4]), rest[4:]
    torch.set_num_threads(1)
    if photographs:
        draw(folder, case, Photographs(*photographs))
    answer(folder, side, int(count), case)
    return 0


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
