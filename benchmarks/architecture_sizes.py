"""What each architecture weighs once it is compiled; nothing is timed.

    python benchmarks/architecture_sizes.py --data ../shared/data/cifar10 \\
        --imagenet ../shared/data/imagenet-sample --out benchmarks/results/architecture_sizes.json

Weights are random, by each network's own method; statistics are those of real images, so that all
constants are what they are in a trained network. A network that is in the file already is left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from measuring import machine
from measuring.tables import table
from measuring.written import resumed, write_json
from signbit.compiler.count import count
from subjects.architectures import CALIBRATION, NETWORKS, PAPERS, compiled, real_images

__all__ = ["as_table", "main"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="CIFAR-10, as `signbit evaluate --data`")
    parser.add_argument("--imagenet", required=True, help="photographs, in the same form")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--only", nargs="*", help="these networks alone")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {
        "command": "python benchmarks/architecture_sizes.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts("torch"),
        "sizes": {},
    }
    figures = resumed(arguments.out, figures)
    for name in arguments.only or NETWORKS:
        if name not in figures["sizes"]:
            real = real_images(name, arguments.data, arguments.imagenet, CALIBRATION)
            result = compiled(name, real)
            found = count(result.graph, result.constants, len(result.data)).to_dict()
            del found["layers"]
            figures["sizes"][name] = found
            write_json(arguments.out, figures)
            print(name, "done", file=sys.stderr, flush=True)
    print(as_table(figures["sizes"]))
    return 0


def as_table(sizes: dict[str, Any]) -> str:
    """The networks in their order as a markdown table, beside the memory in Larq Zoo."""
    lines = []
    for name in NETWORKS:
        if name in sizes:
            found, paper = sizes[name], PAPERS.get(name)
            theirs = "–" if paper is None or paper.bytes is None else f"{paper.bytes:,}"
            figures = (found["parameters"], found["bops"], found["flops"], found["bits"] // 8)
            cells = [f"{figure:,}" for figure in (*figures, found["bytes"])]
            lines.append((f"`{name}`", *cells, theirs))
    head = ("network, compiled", "parameters", "BOPs", "FLOPs", "bits / 8", "bytes of the file")
    return table((*head, "bytes in Larq Zoo"), lines)


if __name__ == "__main__":
    sys.exit(main())
