"""What generated C costs on microcontrollers: instructions, flash and RAM, on boards under QEMU.

    python benchmarks/edge_mcu.py --weights ../shared/weights --data ../shared/data/cifar10 \\
        --out benchmarks/results/edge_mcu.json

Needs `make edge-tools`. A layer's instructions are those of a network with three such layers less
those of one with one, by two: gathering, comparing and borders included. Flash and RAM are those of
a whole program with its start-up code, its image and answers, and the stack that it needed. CNV is
held against what its authors' arithmetic says, all ten sums of 100 images of CIFAR-10's test set.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

import signbit
from edge.boards import BOARDS
from edge.counting import Counter, version
from edge.programs import Array, Subject, outputs, write_program
from measuring import machine
from measuring.tables import table
from measuring.written import write_json
from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output
from signbit.compiler.constants import NumberedConstants
from signbit.targets import c
from subjects.cnv_network import cnv_network, cnv_sums
from subjects.digits_network import digits_network

SIZE = 16
CHANNELS = (32, 64, 128)
COUNTED = ("m3", "m4f", "rv32", "rv32+zbb")
TOOLS = ("arm-none-eabi-gcc", "riscv64-unknown-elf-gcc", "qemu-system-arm", "qemu-system-riscv32")
IMAGES = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    cnv = cnv_network(arguments.weights / "cnv-w1a1-cifar10.safetensors")
    networks = {
        "digits": (digits_network("bnn"), False),
        "digits of the demo": (digits_network("sdbnn"), True),
        "CNV-W1A1": (cnv, False),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counter = Counter(folder)
        results = {
            "machine": machine.facts(),
            "tools": {name: version(name) for name in TOOLS},
            "flags": "-O2",
            "layers": [
                {"board": board, "channels": channels, "for 32": layer(counter, board, channels)}
                for board in COUNTED
                for channels in CHANNELS
            ],
            "networks": [
                {"network": name, "board": board, **whole(counter, board, data, less_memory)}
                for name, (data, less_memory) in networks.items()
                for board in ("m4f", "rv32+zbb")
            ],
            "answers": answers(counter, cnv, arguments.weights, arguments.data),
        }
    print(report(results))
    if arguments.out:
        write_json(arguments.out, results)
    return 0


def layer(counter: Counter, board: str, channels: int) -> float:
    """Instructions of a padded 3×3 layer with thresholds, for 32 binary multiply-adds."""
    counts = []
    for layers in (1, 3):
        inputs = np.random.default_rng(1).integers(0, 256, (1, SIZE, SIZE, channels))
        subject = Subject(layers_of(channels, layers), [inputs.astype(np.uint8)])
        counts.append(counter.count(board, subject))
    words = 9 * channels * channels * SIZE**2 / 32
    return round((counts[1] - counts[0]) / 2 / words, 2)


def layers_of(channels: int, count: int) -> bytes:
    """Signs of an image, then so many layers."""
    rng = np.random.default_rng(0)
    constants = NumberedConstants()
    half = constants.number(np.full(channels, 128, np.float32))
    nodes = [Node("signs", "identity", (0,), {}, outputs=(Output("signs", threshold=half),))]
    for number in range(count):
        keys = {
            "kernel": (3, 3),
            "padding": (1, 1, 1, 1),
            "weight": constants.number(pack_bits(rng.random((channels, 9 * channels)) < 0.5)),
        }
        limits = constants.number(rng.integers(-9, 10, channels).astype(np.int32))
        flip = constants.number(rng.integers(0, 2, channels).astype(np.uint8))
        outputs = (Output("signs", 0, limits, flip),)
        nodes.append(Node(f"layer{number}", "binary_conv", (number + 1,), keys, outputs=outputs))
    image = GraphInput("image", "image", (SIZE, SIZE, channels))
    graph = Graph((image,), (GraphOutput("signs", count + 1),), tuple(nodes))
    return encode(graph, constants.arrays)


MAIN = """
#include "model.h"
static uint32_t arena[MODEL_ARENA_BYTES / 4];
static uint8_t image[{image}];
static float scores[{scores}];
int main(void) {{
  model_run(arena, image, scores);
  return 0;
}}
"""


def whole(counter: Counter, board: str, data: bytes, less_memory: bool) -> dict[str, Any]:
    """Bytes of a program that holds an image and its scores, and instructions of an image."""
    engine = signbit.load(data, threads=1)
    shape = engine.inputs[0].shape
    project = c.generate(data, less_memory=less_memory)
    folder = counter.folder / "whole"
    c.write(project, folder, overwrite=True)
    main = folder / "main.c"
    main.write_text(MAIN.format(image=prod(shape), scores=prod(engine.outputs[0].shape)))
    place = BOARDS[board]
    program = place.build([main, folder / "model.c"], folder / "program")
    stack = int(place.run(program).split()[-1])
    sizes = place.sizes(program)
    images = np.random.default_rng(0).integers(0, 256, (1, *shape)).astype(np.uint8)
    subject = Subject(data, [images], less_memory)
    counts = [counter.count(board, subject, times) for times in (1, 2)]
    return {
        "flash": sizes.flash,
        "RAM": sizes.ram + stack,
        "constants": project.constant_bytes,
        "arena": project.arena_bytes,
        "stack": stack,
        "instructions": counts[1] - counts[0],
    }


def answers(counter: Counter, cnv: bytes, weights: Path, data: Path) -> dict[str, int]:
    """How many images of CIFAR-10 have all sums of the authors' arithmetic, on the M4F."""
    rows = pq.read_table(next(data.glob("test-*.parquet"))).slice(0, IMAGES)
    images = np.stack([opened(cell["bytes"]) for cell in rows["img"].to_pylist()])
    subject = Subject(cnv, [images])
    sources = write_program([subject], counter.folder)
    board = BOARDS["m4f"]
    text = board.run(board.build(sources, counter.folder / "program"))
    sums = outputs(text, [subject])[0]["sums"]
    published = cnv_sums(weights / "cnv-w1a1-cifar10.safetensors", images)
    labels = np.array(rows["label"].to_pylist())
    return {
        "images": IMAGES,
        "all sums equal": int((sums == published).all(1).sum()),
        "right": int((sums.argmax(1) == labels).sum()),
    }


def opened(image: bytes) -> Array:
    with Image.open(io.BytesIO(image)) as photo:
        return np.asarray(photo.convert("RGB"))


def report(results: dict[str, Any]) -> str:
    """The tables that the results page has."""
    layers = [
        [board, *(each["for 32"] for each in results["layers"] if each["board"] == board)]
        for board in COUNTED
    ]
    networks = [[str(value) for value in each.values()] for each in results["networks"]]
    return "\n".join(
        [
            table(["board", *(f"{channels} channels" for channels in CHANNELS)], layers),
            "",
            table(list(results["networks"][0]), networks),
            "",
            str(results["answers"]),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
