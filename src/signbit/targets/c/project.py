"""The files of an export: the network's source and header, a test program, a Makefile."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.container import decode
from signbit.bitformat.graph import Graph, Pair, at_size
from signbit.bitformat.validate import Tensor, validate
from signbit.errors import InputError
from signbit.runtime.engine import Engine
from signbit.targets.c.network import Network, NodeFigures
from signbit.targets.c.plan import planned, without
from signbit.targets.c.ports import Ports, confidence, names_of
from signbit.targets.c.self_test import self_test
from signbit.targets.c.text import string
from signbit.targets.folders import write_folder

__all__ = ["Project", "generate", "write"]

MOST_CONSTANTS = 64 << 20
"""Bytes of a file that is written as C; no microcontroller has more flash."""

MOST_BYTES, MOST_OPERATIONS = 1 << 30, 10**11
"""Of the run on this machine that yields the test program's answers."""


_TAKEN = ("main", "stdint", "stdio", "string")


@dataclass(frozen=True)
class Project:
    """What `signbit export c` writes, and its figures.

    files: name → text. arena_bytes: memory that a run works in. constant_bytes: of flash, without
    code.
    """

    name: str
    files: Mapping[str, str]
    arena_bytes: int
    constant_bytes: int
    nodes: Sequence[NodeFigures]


def generate(
    source: str | os.PathLike[str] | bytes,
    namespace: str = "model",
    *,
    less_memory: bool = False,
    input_size: Pair | None = None,
) -> Project:
    """A compiled network as C sources that give the engine's bits.

    source: the path of an `.sbnn` file, or its bytes. namespace: begins every public name; a C
    identifier. less_memory: nodes run several times where that makes the arena smaller. input_size:
    another (height, width) of the images, which a file of any size allows. Raises ModelFileError
    for a file that is not valid, InputError for a namespace that is no identifier, for a size that
    the file does not allow, and for a file that no microcontroller would hold.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", namespace) or namespace in _TAKEN:
        raise InputError(
            f"namespace: {namespace!r} must be a C identifier that begins with a letter and names "
            "no header of C, such as model"
        )
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    if len(data) > MOST_CONSTANTS:
        raise InputError(
            f"the file has {len(data)} bytes, at most {MOST_CONSTANTS} are written as C; "
            "run it with libsignbit, which reads files of any size"
        )
    graph, constants = decode(data)
    engine = Engine(data, 1, "scalar", input_size, MOST_BYTES, MOST_OPERATIONS)
    if input_size is not None:
        graph = at_size(graph, input_size)
    tensors = validate(graph, constants)
    names = names_of(graph)
    inputs, outputs = names[: len(graph.inputs)], names[len(graph.inputs) :]
    network = _network(graph, constants, tensors, inputs, outputs, less_memory=less_memory)
    ports = Ports(graph, constants, tensors, inputs, outputs)
    feeds = _sample(graph)
    given = feeds if len(feeds) > 1 else next(iter(feeds.values()))
    answer = engine(given)
    answers = answer if isinstance(answer, dict) else {graph.outputs[0].name: answer}
    sample = [(name, feeds[port.name]) for name, port in zip(inputs, graph.inputs, strict=True)]
    expected = [
        (name, answers[port.name]) for name, port in zip(outputs, graph.outputs, strict=True)
    ]
    files = {
        f"{namespace}.h": _header(namespace, network, ports),
        f"{namespace}.c": _source(namespace, network, ports),
        f"{namespace}_test.c": self_test(namespace, sample, expected),
        "Makefile": _makefile(namespace),
    }
    return Project(namespace, files, network.arena_bytes, network.constant_bytes, network.nodes)


def write(project: Project, folder: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write the files into a folder, which is made where it is not there.

    Raises InputError where the folder holds anything, unless `overwrite` says that files of an
    earlier export may be replaced; OSError, which names the path, where it cannot be written.
    """
    files = {name: text.encode() for name, text in project.files.items()}
    write_folder(Path(folder), files, overwrite=overwrite)


def _network(
    graph: Graph,
    constants: Mapping[str, Array],
    tensors: Sequence[Tensor],
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    less_memory: bool,
) -> Network:
    """The network as C; less_memory: with every tensor left out whose absence makes it smaller."""
    plan = planned(graph)
    best = Network(graph, constants, tensors, inputs, outputs, plan)
    if not less_memory:
        return best
    wanted = {output.tensor for output in graph.outputs}
    sizes = {number: prod(each.shape) for number, each in enumerate(tensors) if each.kind == "real"}
    for number in sorted(sizes, key=lambda number: -sizes[number]):
        if number < len(inputs) or number in wanted:
            continue
        smaller = without(plan, number)
        if smaller is not None:
            network = Network(graph, constants, tensors, inputs, outputs, smaller)
            if network.arena_bytes <= best.arena_bytes:
                plan, best = smaller, network
    return best


def _header(name: str, network: Network, ports: Ports) -> str:
    upper = name.upper()
    lines = [
        f"/* {name}: a network that signbit wrote as C. Its answers are the engine's, bit by bit.",
        f"   Compile {name}.c as C99 or newer, without -ffast-math. */",
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "#include <stdint.h>",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f"/* Memory that {name}_run works in, in bytes. */",
        f"#define {upper}_ARENA_BYTES {max(network.arena_bytes, 4)}",
        "/* Values of one sample of each input and output. */",
        *(
            f"#define {upper}_{each.upper()}_VALUES {prod(shape)}"
            for each, shape in zip(ports.names, ports.shapes, strict=True)
        ),
        *(
            f"extern const char *const {name}_{each}_classes[{len(classes)}];"
            for each, classes in ports.classes.items()
        ),
        *(line for each in ports.confidences.items() for line in confidence(upper, *each)),
        "",
        "/* Run the network on one sample.",
        f"   arena: {upper}_ARENA_BYTES bytes that are aligned to 4; they may hold anything before",
        "   and afterwards. Calls with arenas of their own may run side by side.",
        f"   With {name}.c compiled with -D{upper}_STATIC_ARENA it may be NULL.",
        *ports.comments[:-1],
        f"{ports.comments[-1]} */",
        f"void {name}_run({', '.join(['void *arena', *ports.parameters])});",
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _source(name: str, network: Network, ports: Ports) -> str:
    upper = name.upper()
    lines = [f'#include "{name}.h"', "", "#include <stdint.h>", "#include <string.h>", ""]
    lines += network.definitions()
    for each, classes in ports.classes.items():
        lines.append(f"const char *const {name}_{each}_classes[{len(classes)}] = {{")
        lines += [f"  {string(text)}," for text in classes]
        lines += ["};", ""]
    run = network.run(name, ports.parameters)
    run[1:1] = [
        f"#ifdef {upper}_STATIC_ARENA",
        f"  static word own[{max(network.arena_bytes, 4) // 4}];",
        "  if (!arena) arena = own;",
        "#endif",
    ]
    return "\n".join([*lines, *run]) + "\n"


def _sample(graph: Graph) -> dict[str, Array]:
    """One sample for each input, the same in every export."""
    draws = np.random.default_rng(0)
    feeds: dict[str, Any] = {}
    for port in graph.inputs:
        pixels = draws.integers(0, 256, (1, *port.shape))
        feeds[port.name] = (
            pixels.astype(np.uint8)
            if port.kind == "image"
            else ((pixels - 128) / 64).astype(np.float32)
        )
    return feeds


def _makefile(name: str) -> str:
    test = f"{name}_test"
    return f"""\
CC ?= cc
CFLAGS ?= -O2
FLAGS = -std=c99 -ffp-contract=off $(CFLAGS)

SIZE ?= size

test: {test}
\t./{test}

size: {name}.o
\t$(SIZE) $<

{name}.o: {name}.c {name}.h
\t$(CC) $(FLAGS) -c $< -o $@

{test}: {test}.c {name}.c {name}.h
\t$(CC) $(FLAGS) {test}.c {name}.c -o $@

clean:
\trm -f {test} {name}.o

.PHONY: test size clean
"""
