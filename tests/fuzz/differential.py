"""Mutated graphs through both validators, Python's and the engine's: same verdict, same field.

usage: python -m tests.fuzz.differential [--count N] [--seed S] [--state FILE]

Inputs come in blocks of a hundred. A block takes one graph, a sample or a random network, and
changes it in one to three small places, its constants too. It depends on the seed and its own
number alone, so a run can be stopped and resumed (--state), and one block can be run again
(--first). Several processes take several seeds. A difference is printed with its block, and the
file is written beside the state; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.bitformat.builder import Constants
from tests.bitformat.files import text_file
from tests.bitformat.mutations import Mutation, constant_mutations, graph_mutations
from tests.bitformat.samples import SAMPLES
from tests.runtime.random_graphs import networks, one_operation
from tests.runtime.readers import READERS, verdict

from signbit.bitformat.schema import to_json

__all__ = ["BLOCK", "Progress", "block_files", "run_block"]

BLOCK = 100
"""Inputs of one graph."""

RANDOM: tuple[Callable[[int], Any], ...] = (
    *(networks.network, networks.int16_network, networks.several, networks.resized),
    *(one_operation.adjusted, one_operation.real_conv, one_operation.multiplied),
)


@dataclass
class Progress:
    """How far a run has come."""

    seed: int
    next_block: int = 0
    accepted: int = 0
    refused: int = 0
    differences: int = 0

    def count(self) -> int:
        """Inputs so far."""
        return self.accepted + self.refused + self.differences


def block_files(seed: int, block: int) -> Iterator[bytes]:
    """The inputs of one block."""
    rng = np.random.default_rng((seed, block))
    text, constants = _graph(rng)
    of_graph = list(graph_mutations(json.loads(text)))
    of_constants = list(constant_mutations(constants))
    for _ in range(BLOCK):
        graph, table = json.loads(text), dict(constants)
        for _ in range(int(rng.integers(0, 4))):
            _apply_one(of_graph, graph, rng)
        if rng.random() < 0.3:
            _apply_one(of_constants, table, rng)
        yield text_file(json.dumps(graph), table)


def _graph(rng: np.random.Generator) -> tuple[str, Constants]:
    """A graph's JSON text and its constants."""
    if rng.random() < 0.4:
        graph, constants = list(SAMPLES.values())[int(rng.integers(len(SAMPLES)))]()
    else:
        case = RANDOM[int(rng.integers(len(RANDOM)))](int(rng.integers(2**31)))
        graph, constants = case.graph, case.constants
    return to_json(graph), dict(constants)


def _apply_one(mutations: list[Mutation], value: Any, rng: np.random.Generator) -> None:
    """Apply a mutation; one whose place an earlier one has taken away does nothing."""
    try:
        mutations[int(rng.integers(len(mutations)))].apply(value)
    except (AttributeError, IndexError, KeyError, TypeError):
        return


def run_block(progress: Progress, folder: Path) -> None:
    """Run the next block, and write what differs to the folder."""
    for number, data in enumerate(block_files(progress.seed, progress.next_block)):
        verdicts = {name: verdict(read, data) for name, read in READERS.items()}
        if len(set(verdicts.values())) > 1:
            progress.differences += 1
            name = f"differs-{progress.seed}-{progress.next_block}-{number}.sbnn"
            (folder / name).write_bytes(data)
            print(f"{name}: {verdicts}", flush=True)
        elif verdicts["numpy"] == ("", ""):
            progress.accepted += 1
        else:
            progress.refused += 1
    progress.next_block += 1


def _save(progress: Progress, state: Path) -> None:
    temporary = state.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(progress)))
    temporary.replace(state)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="block to begin with")
    parser.add_argument("--state", type=Path, help="file that says how far the run has come")
    arguments = parser.parse_args()
    progress = Progress(arguments.seed, arguments.first)
    if arguments.state is not None and arguments.state.exists():
        progress = Progress(**json.loads(arguments.state.read_text()))
    folder = Path() if arguments.state is None else arguments.state.parent
    start, before = time.monotonic(), progress.count()
    while progress.count() < arguments.count:
        run_block(progress, folder)
        if arguments.state is not None:
            _save(progress, arguments.state)
    seconds = time.monotonic() - start
    rate = (progress.count() - before) / max(seconds, 1e-9)
    print(f"{asdict(progress)}, {rate:.0f} inputs per second")
    return 1 if progress.differences else 0


if __name__ == "__main__":
    raise SystemExit(main())
