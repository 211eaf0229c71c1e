"""Does calibrating the distributions close the gap? Students against the teacher, and their probes.

    python benchmarks/selfsup_agreement.py RUN… --teacher RUNS/teacher --data CIFAR10 \\
        --out benchmarks/results/selfsup_agreement.json

For finished runs of `signbit pretrain` with a probe in RUN/probe: KL and the share of the same
largest dimension between teacher and student, and the collapse indicators, all on test images that
are not augmented; beside them the probe's top-1. A student that was not guided has an embedding of
its own making, so its KL says how far apart two networks are that never met.

Dimensions of two such embeddings have no common meaning; what no rotation changes is compared as
well: how well one's pairwise cosines between images follow the other's (`relations`, correlation).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from measuring import machine
from measuring.tables import table
from measuring.written import write_json
from signbit.data import open_dataset
from signbit.data.pixels.transforms import Normalization, to_unit
from signbit.selfsup import Embedder, ProjectionHead, build_backbone, diagnose, open_teacher
from signbit.training.networks import make_method
from signbit.training.runs.folder import StoredRun, read_run
from signbit.training.runs.state_dicts import load_state

BATCH = 250


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="run folders of signbit pretrain")
    parser.add_argument("--teacher", type=Path, required=True, help="the teacher's run folder")
    parser.add_argument("--data", required=True, help="the images, as `signbit pretrain --data`")
    parser.add_argument("--images", type=int, default=2000, help="of the test images")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    arguments = parser.parse_args()
    dataset = open_dataset(arguments.data, "test")
    dataset = dataset.take(np.linspace(0, len(dataset) - 1, arguments.images).astype(np.int64))
    found = {}
    for path in arguments.runs:
        stored = read_run(path)
        pixels = normalised(stored, stored.preprocessing.fit(dataset).images)
        teacher = open_teacher(arguments.teacher, stored.preprocessing)
        answers = outputs(teacher, pixels)
        features, embedding = outputs(student(stored), pixels)
        probe = json.loads((path / "probe" / "metrics.json").read_text("utf-8"))
        found[f"{path.parent.name}/{path.name}"] = {
            "top1": probe["top1"],
            **diagnose(features, embedding, answers),
            "relations": relations(answers, embedding),
        }
        print(f"{path}: done", file=sys.stderr, flush=True)
    names = list(next(iter(found.values())))
    print(
        table(("run", *names), [[run, *map(short, facts.values())] for run, facts in found.items()])
    )
    figures: dict[str, Any] = {
        "command": "python benchmarks/selfsup_agreement.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts("torch"),
        "images": arguments.images,
        "found": found,
    }
    write_json(arguments.out, figures)
    return 0


def student(stored: StoredRun) -> Embedder:
    """The embedder of a run, in eval mode."""
    recipe = stored.recipe
    assert recipe.selfsup is not None
    backbone = build_backbone(
        recipe.network, make_method(recipe.method), stored.preprocessing.input_size[2]
    )
    head = recipe.selfsup.head
    embedder = Embedder(backbone, ProjectionHead(backbone.width, head.hidden, head.out))
    inside = "embedder."
    state = {
        name.removeprefix(inside): value
        for name, value in stored.checkpoint.model.items()
        if name.startswith(inside)
    }
    load_state(embedder, state, str(stored.path))
    return embedder.eval()


def normalised(stored: StoredRun, images: np.ndarray) -> Tensor:
    how = stored.preprocessing
    return Normalization(how.mean, how.std)(to_unit(torch.from_numpy(images)))


@torch.no_grad()
def outputs(network: torch.nn.Module, pixels: Tensor) -> Any:
    """What the network gives for all images: a tensor, or a tuple of them."""
    parts = [network(pixels[start : start + BATCH]) for start in range(0, len(pixels), BATCH)]
    if isinstance(parts[0], Tensor):
        return torch.cat(parts)
    return tuple(torch.cat(each) for each in zip(*parts, strict=True))


def relations(teacher: Tensor, embedding: Tensor) -> float:
    """Pearson's correlation of the cosines between different images, -1 … 1."""
    above = torch.triu_indices(len(teacher), len(teacher), 1)
    cosines = []
    for rows in (teacher, embedding):
        unit = torch.nn.functional.normalize(rows.double(), dim=1)
        cosines.append((unit @ unit.T)[above[0], above[1]])
    return float(torch.corrcoef(torch.stack(cosines))[0, 1])


def short(value: float) -> str:
    return f"{value:.4f}"


if __name__ == "__main__":
    sys.exit(main())
