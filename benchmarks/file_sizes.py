"""How large the files are: every network by every method, beside its parameters in float32.

    python benchmarks/file_sizes.py --out benchmarks/results/file_sizes.json

Weights are random. Sizes do not depend on what a network has learned, but for constants that
happen to be equal, which are stored once. float32 is every parameter of the model that is trained,
at four bytes; JSON text is the file's header, graph and list of tensors alike. Architectures that
are taken from a paper with its method are in architecture_sizes.py.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from measuring import machine
from measuring.tables import table
from measuring.written import write_json
from signbit import methods, models
from signbit.compiler import compile_model
from signbit.nn import round_stem
from subjects.random_weights import calibrate, randomise

METHODS = ("bnn", "xnor", "bireal", "irnet", "reactnet", "sdbnn", "adabin")
NETWORKS = {
    "digits": (8, 1, 10, METHODS),
    "resnet20": (32, 3, 10, METHODS),
    "vgg-small": (32, 3, 10, METHODS),
    "resnet18-cifar": (32, 3, 10, METHODS),
    "resnet18": (224, 3, 1000, METHODS),
    "reactnet-a": (224, 3, 1000, ("reactnet",)),
}
"""Architecture -> height and width, channels, classes, and the methods that it is built by."""


@dataclass(frozen=True)
class Sizes:
    """Bytes of one network."""

    float32: int
    """Every parameter of the model that is trained, at four bytes."""
    file: int
    text: int
    """Of the file's header: the graph and the list of tensors."""

    @property
    def ratio(self) -> float:
        """How many times smaller the file is."""
        return self.float32 / self.file


def measure(network: str, method: str, stem: str = "float32") -> Sizes:
    """The sizes of a network of NETWORKS with random weights, its classes named by numbers."""
    size, channels, classes, _ = NETWORKS[network]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = models.build(network, methods.get(method), classes=classes, channels=channels)
        randomise(model)
        calibrate(model, torch.randn(2, channels, size, size))
    parameters = sum(p.numel() for p in model.parameters())
    mean, std, shape = [0.5] * channels, [0.25] * channels, (size, size, channels)
    model.eval()
    data = compile_model(
        round_stem(model, mean, std, input_size=shape) if stem == "int16" else model,
        input_size=shape,
        mean=mean,
        std=std,
        class_names=[str(number) for number in range(classes)],
        resize_shorter_side=size,
    ).data
    text = int.from_bytes(data[:8], "little")
    return Sizes(4 * parameters, len(data), text)


def as_table(found: dict[str, dict[str, dict[str, int]]]) -> str:
    """Networks by methods: kB of the file, and how many times smaller than float32 it is."""
    rows = []
    for network, by_method in found.items():
        sizes = {method: Sizes(**values) for method, values in by_method.items()}
        cells = [
            f"{sizes[m].file / 1000:,.1f} kB, {sizes[m].ratio:.2f}" if m in sizes else "–"
            for m in METHODS
        ]
        rows.append((network, *cells))
    return table(("", *METHODS), rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    parser.add_argument("--only", default="", help="networks whose name has this in it")
    parser.add_argument("--stem", choices=("float32", "int16"), default="float32")
    arguments = parser.parse_args()
    found: dict[str, dict[str, dict[str, int]]] = {}
    for network, (_, _, _, built_by) in NETWORKS.items():
        if arguments.only not in network:
            continue
        sizes = {method: measure(network, method, arguments.stem) for method in built_by}
        found[network] = {method: asdict(each) for method, each in sizes.items()}
        print(network, "done", file=sys.stderr, flush=True)
    print(as_table(found))
    if arguments.out:
        command = "python benchmarks/file_sizes.py " + " ".join(sys.argv[1:])
        figures = {"command": command, "machine": machine.facts("torch"), "bytes": found}
        write_json(arguments.out, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
