"""Programs that run generated C on given samples and print the answers, for boards and desktops."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import signbit
from edge.boards import START
from signbit.targets import c

__all__ = ["Answers", "Array", "Subject", "expected", "outputs", "run_on_desktop", "write_program"]

Array = npt.NDArray[Any]
Answers = list[dict[str, Array]]
"""For each subject its outputs, by name."""

TYPES = {"image": "uint8_t", "real": "float", "float32": "float", "int8": "int8_t"}


@dataclass(frozen=True)
class Subject:
    """A file and what it is fed with: an array (N, height, width, channels) for each input.

    less_memory: its sources are those of `signbit export c --less-memory`.
    """

    data: bytes
    inputs: Sequence[Array]
    less_memory: bool = False


def expected(subject: Subject) -> dict[str, Array]:
    """The outputs of the engine's scalar kernels, by name."""
    engine = signbit.load(subject.data, threads=1, isa="scalar")
    given = dict(zip((each.name for each in engine.inputs), subject.inputs, strict=True))
    answer = engine(given if len(given) > 1 else subject.inputs[0])
    return answer if isinstance(answer, dict) else {engine.outputs[0].name: answer}


def write_program(subjects: Sequence[Subject], folder: Path, times: int = 1) -> list[Path]:
    """Writes C into `folder`, all that a program of these subjects is linked of; its files.

    It runs every sample `times` times, and prints each output of each sample as a line of bytes.
    """
    sources, includes, bodies = [], [], []
    arena = 4
    for number, subject in enumerate(subjects):
        project = c.generate(subject.data, f"net{number}", less_memory=subject.less_memory)
        for name in (f"net{number}.c", f"net{number}.h"):
            (folder / name).write_text(project.files[name])
        sources.append(folder / f"net{number}.c")
        includes.append(f'#include "net{number}.h"')
        bodies.append(_runs(number, subject, times))
        arena = max(arena, project.arena_bytes)
    main = folder / "main.c"
    main.write_text(
        "\n".join(
            [
                '#include "host.h"',
                *includes,
                f"static uint32_t arena[{-(-arena // 4)}];",
                *(declarations for declarations, _ in bodies),
                "int main(void) {",
                *(code for _, code in bodies),
                "  return 0;",
                "}",
                "",
            ]
        )
    )
    return [main, *sources]


def _runs(number: int, subject: Subject, times: int) -> tuple[str, str]:
    """Declarations and statements for one network."""
    name = f"net{number}"
    samples = len(subject.inputs[0])
    declared, given = [], []
    for place, array in enumerate(subject.inputs):
        kind = "uint8_t" if array.dtype == np.uint8 else "float"
        size = prod(array.shape[1:])
        values = array.reshape(-1).tolist()
        text = ",".join(map(str, values) if kind == "uint8_t" else (v.hex() + "f" for v in values))
        declared.append(
            f"static const {kind} {name}_i{place}[{max(1, samples * size)}] = {{{text}}};"
        )
        given.append(f"{name}_i{place} + i * {size}")
    said = []
    for place, array in enumerate(expected(subject).values()):
        kind = TYPES[array.dtype.name]
        declared.append(f"static {kind} {name}_o{place}[{prod(array.shape[1:])}];")
        given.append(f"{name}_o{place}")
        said.append(f"    say_bytes({name}_o{place}, sizeof {name}_o{place});")
    call = f"{name}_run({', '.join(['arena', *given])});"
    repeated = f"for (int t = 0; t < {times}; ++t) {call}" if times > 1 else call
    code = [f"  for (int i = 0; i < {samples}; ++i) {{", f"    {repeated}", *said, "  }"]
    return "\n".join(declared), "\n".join(code)


def outputs(text: str, subjects: Sequence[Subject]) -> Answers:
    """What such a program printed, as arrays like those of `expected`."""
    lines = iter(text.splitlines())
    answers: Answers = []
    for subject in subjects:
        like = expected(subject)
        rows: dict[str, list[bytes]] = {name: [] for name in like}
        for _ in range(len(subject.inputs[0])):
            for name in like:
                rows[name].append(bytes.fromhex(next(lines)))
        answers.append(
            {
                name: np.frombuffer(b"".join(rows[name]), array.dtype).reshape(array.shape)
                for name, array in like.items()
            }
        )
    return answers


def run_on_desktop(compiler: str, sources: Sequence[Path], program: Path, *flags: str) -> str:
    """Builds with a desktop's compiler, strictly, and runs; what the program prints.

    Raises subprocess.CalledProcessError with the messages in `stderr`.
    """
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I", str(START), *flags]
    files = [*map(str, sources), str(START / "terminal.c")]
    subprocess.run(
        [compiler, *strict, *files, "-o", str(program)], check=True, capture_output=True, text=True
    )
    return subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
