"""Generated C on Cortex-M3, M4F, M7, RV32 and a desktop's compilers: the bits of x86-64's engine.

A program holds several networks and their samples, so that each board builds and starts but once.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.bitformat.samples import SAMPLES
from tests.edge.cases import assert_same_answers, batches, published
from tests.edge.tools import compiler, require
from tests.runtime.graphs import Case
from tests.runtime.random_graphs import networks, one_operation
from tests.targets.c.compared import compared

from edge.boards import BOARDS
from edge.programs import Subject, expected, outputs, run_on_desktop, write_program
from signbit.bitformat import encode
from subjects.digits_network import digits_network
from subjects.networks import compiled_bytes

GRAPHS = 3
"""Of each kind that is drawn."""

KINDS: tuple[Callable[[int], Case], ...] = (
    one_operation.binary_conv,
    one_operation.adjusted,
    one_operation.int16_stem,
    one_operation.looked_up,
    one_operation.any_operation,
    one_operation.rearranged,
    networks.network,
    networks.int16_network,
    networks.several,
)

DESKTOP = ("gcc", "clang")
EVERYWHERE = [
    pytest.param(name, marks=[] if name in ("gcc", "m4f") else pytest.mark.slow)
    for name in (*DESKTOP, *BOARDS)
]


def drawn(make: Callable[[int], Case], seed: int) -> Subject:
    """A case with samples that C takes: pixels are whole numbers, and there is one at least."""
    case = make(seed)
    data = case.data
    if not case.batch:
        return Subject(data, batches(data, 1))
    arrays = []
    for number, given in enumerate(case.graph.inputs):
        array = case.feeds[number][:2]
        if given.kind == "image":
            array = np.rint(array).clip(0, 255).astype(np.uint8)
        arrays.append(array)
    return Subject(data, arrays)


@cache
def samples() -> list[Subject]:
    """Every operation, step and key."""
    files = [encode(*make()) for make in SAMPLES.values()]
    return [Subject(data, batches(data, 2)) for data in files]


@cache
def graphs() -> list[Subject]:
    """Of any operations, and convolutions that yield nothing but signs."""
    signs = [Subject(data, batches(data, 2)) for data in map(compared, range(2 * GRAPHS))]
    return [*signs, *(drawn(make, seed) for make in KINDS for seed in range(GRAPHS))]


@cache
def whole_networks() -> list[Subject]:
    """The demo's in both ways, one with thresholds on integers, and one of floats around signs."""
    demo = digits_network("sdbnn")
    files = [demo, digits_network("bnn"), compiled_bytes("sdbnn-resnet20")]
    return [
        Subject(demo, batches(demo, 1), less_memory=True),
        *(Subject(data, batches(data, 1)) for data in files),
    ]


def check(place: str, subjects: Sequence[Subject], folder: Path, *flags: str) -> None:
    """Builds and runs for a board or by a desktop's compiler; skips where that is missing."""
    files = write_program(subjects, folder)
    try:
        if place in BOARDS:
            board = BOARDS[place]
            require(board.missing())
            text = board.run(board.build(files, folder / "program", *flags))
        else:
            text = run_on_desktop(compiler(place), files, folder / "program", *flags)
    except subprocess.CalledProcessError as error:
        pytest.fail(f"{place}: status {error.returncode}: {error.stderr}{error.stdout}"[:4000])
    for number, (subject, found) in enumerate(zip(subjects, outputs(text, subjects), strict=True)):
        wanted = expected(subject)
        answer = b"".join(found[name].tobytes() for name in wanted)
        assert_same_answers(answer, [*wanted.values()], f"network {number}")


@pytest.mark.parametrize("place", EVERYWHERE)
def test_every_operation(place: str, tmp_path: Path) -> None:
    check(place, samples(), tmp_path, "-O1")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("place", [*DESKTOP, *BOARDS])
def test_random_graphs(place: str, tmp_path: Path) -> None:
    check(place, graphs(), tmp_path, "-O1")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("place", DESKTOP)
def test_instructions_that_count_bits(place: str, tmp_path: Path) -> None:
    """Where this machine has them; windows of 19 to 36 words have no parts then."""
    subjects = [Subject(data, batches(data, 2)) for data in map(compared, range(200, 208))]
    check(place, subjects, tmp_path, "-O2", "-march=native")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("place", [*DESKTOP, *BOARDS])
def test_whole_networks(place: str, tmp_path: Path) -> None:
    check(place, whole_networks(), tmp_path, "-O2")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("place", [*DESKTOP, *BOARDS])
def test_a_published_network(place: str, shared_data: Path, tmp_path: Path) -> None:
    data = published(shared_data)
    check(place, [Subject(data, batches(data, 1))], tmp_path, "-O2")
