"""Digests of the files that many networks compile to, to see that a change of the compiler keeps
every byte:

    python -m tests.compiler.file_digests > before.txt     # in the commit before
    python -m tests.compiler.file_digests | diff before.txt -

The weights come from seeds. They, and what is computed with them, may differ in a last bit between
machines, so both runs belong on the same one. `small` and `large` after the command choose a part.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from itertools import product

import torch
from tests.compiler.nets import compiled, randomise
from tests.compiler.random_nets import random_net
from tests.compiler.small import SIZE, randomise_latents, randomise_vectors, small_net
from torch import nn

from signbit import methods, models
from signbit.errors import CompileError

BINARIZE = ("both", "activations", "weights")
RANDOM = 150

LARGE = (
    *(
        ("resnet20", method, binarize, 32)
        for method, binarize in product(methods.names(), BINARIZE)
    ),
    *(("digits", method, binarize, 8) for method, binarize in product(methods.names(), BINARIZE)),
    *(("vgg-small", method, "both", 32) for method in methods.names()),
    *(("resnet18-cifar", method, "both", 32) for method in ("bireal", "irnet", "reactnet")),
    ("resnet18-cifar-blocks", "irnet", "both", 32),
    ("resnet18-norm", "sdbnn", "both", 64),
    ("reactnet-a", "reactnet", "both", 64),
    ("reactnet-a", "adabin", "both", 64),
    ("resnet18", "adabin", "both", 64),
    ("resnet18", "xnor", "both", 64),
    ("real-resnet20", "real", "both", 32),
    ("real-resnet50", "real", "both", 64),
)
"""Architecture, method, what is binarized, side of the image."""


def small() -> Iterator[tuple[str, nn.Module, tuple[int, int, int]]]:
    """Name, network, size of its images: of every method, and random layers."""
    for method, binarize in product(methods.names(), BINARIZE):
        yield f"small {method} {binarize}", small_net(method, binarize), SIZE
    for seed in range(RANDOM):
        yield f"random {seed}", random_net(seed), (12, 12, 3)


def large() -> Iterator[tuple[str, nn.Module, tuple[int, int, int]]]:
    """The same of signbit's own architectures."""
    for architecture, method, binarize, side in LARGE:
        name = f"{architecture} {method} {binarize}"
        channels = 1 if architecture == "digits" else 3
        torch.manual_seed(1)
        try:
            layers = methods.get(method, binarize=binarize)
            model = models.build(architecture, layers, classes=10, channels=channels)
        except Exception as error:
            print(name, "cannot be built:", error)
            continue
        randomise_latents(model)
        randomise_vectors(model)
        yield name, randomise(model), (side, side, channels)


def main(parts: list[str]) -> None:
    chosen = [part for part in (small, large) if not parts or part.__name__ in parts]
    for part in chosen:
        for name, model, size in part():
            try:
                result = hashlib.sha256(compiled(model, size).data).hexdigest()
            except CompileError as error:
                result = str(error)
            print(f"{name}: {result}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
