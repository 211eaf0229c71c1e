"""Is this commit as fast as another? Inference and training of a list of networks, in pairs.

    python benchmarks/against.py b16e316 --out benchmarks/results/against.json

Both commits are built (into build/against), and each compiles the networks itself. A pair is two
fresh processes, one a commit, that take turns of a tenth of a second; the next pair begins with the
other one. Ratios are the old time by the new one, so above 1 the new commit is faster: the median
of the pairs, and the lowest and highest. "default" is the engine's own choice of threads, beside
the better of the old commit's one and two threads. The machine should be idle.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from commits.against_build import built, commit_of, environment, working_tree
from measuring import machine
from measuring.tables import table
from measuring.written import write_json
from subjects.against_networks import NETWORKS

KINDS = ("inference", "training")
TURNS = 2
WORKER = Path(__file__).parent / "commits" / "against_worker.py"

KEEP_FREED_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "4000000000", "MALLOC_MMAP_THRESHOLD_": "4000000000"}
"""glibc's settings for both sides. Without them a training step gives pages back to the kernel and
takes them again, 3,000 to 7,000 faults per step of ResNet-20. How many depends on where in the heap
a tensor happens to lie, and makes 3 % of the time more or less."""

Times = dict[str, float]
"""What was called → milliseconds per call."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("revision", help="the commit to compare with")
    parser.add_argument("--new", help="another one than the working tree's tracked files")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--out", type=Path, help="JSON; what it has of other networks stays")
    arguments = parser.parse_args()
    old = commit_of(arguments.revision)
    new = commit_of(arguments.new) if arguments.new else working_tree()
    packages = {"old": built(old), "new": built(new)}
    report = {
        "command": "python benchmarks/against.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts("torch"),
        "old": old[:12],
        "new": new[:12],
        "results": _earlier(arguments.out, old, new),
    }
    with TemporaryDirectory() as name:
        files = {side: Path(name) / side for side in packages}
        for kind in arguments.kinds:
            for network in arguments.networks:
                if kind == "inference":
                    for side, package in packages.items():
                        files[side].mkdir(exist_ok=True)
                        worker = Worker(package, "compile", str(files[side]), network)
                        worker.answer()
                        worker.end()
                result = compare(kind, network, packages, files, arguments.pairs)
                report["results"][f"{network}, {kind}"] = result
                print(rows(f"{network}, {kind}", result), flush=True)
                if arguments.out:
                    write_json(arguments.out, report)
    return 0


def compare(
    kind: str, network: str, packages: Mapping[str, Path], files: Mapping[str, Path], pairs: int
) -> dict[str, Any]:
    """What was called → its milliseconds and ratios."""
    found: list[dict[str, Times]] = []
    for number in range(pairs):
        order = list(packages) if number % 2 == 0 else list(packages)[::-1]
        subjects = {
            side: str(files[side] / f"{network}.sbnn") if kind == "inference" else network
            for side in order
        }
        workers = {side: Worker(packages[side], kind, subjects[side]) for side in order}
        for worker in workers.values():
            worker.answer()  # both have started by now
        turns: dict[str, list[Times]] = {side: [] for side in order}
        for _ in range(TURNS):
            for side in order:
                turns[side].append(workers[side].turn())
        for worker in workers.values():
            worker.end()
        found.append({side: _medians(turns[side]) for side in packages})
    return summary(found)


def summary(pairs: Sequence[Mapping[str, Times]]) -> dict[str, Any]:
    """Ratios of each call's times; "default" by the better of the old one- and two-thread times."""
    result: dict[str, Any] = {}
    for call in pairs[0]["new"]:
        if call.endswith("default"):
            rivals = [call.replace("default", count) for count in ("1", "2")]
            rivals = [rival for rival in rivals if rival in pairs[0]["old"]]
            # Chosen once, by its median: the better of each pair would have luck on its side.
            rival = min(
                rivals, key=lambda name: statistics.median(pair["old"][name] for pair in pairs)
            )
        else:
            rival = call
        ratios = [pair["old"][rival] / pair["new"][call] for pair in pairs]
        result[call] = {
            "rival": rival,
            "old_ms": statistics.median(pair["old"][rival] for pair in pairs),
            "new_ms": statistics.median(pair["new"][call] for pair in pairs),
            "ratio": statistics.median(ratios),
            "lowest": min(ratios),
            "highest": max(ratios),
            "pairs": len(ratios),
        }
    return result


def rows(title: str, result: Mapping[str, Any]) -> str:
    """A markdown table of one network."""
    heads = [title, "old ms", "new ms", "old / new", "lowest", "highest"]
    keys = ("old_ms", "new_ms", "ratio", "lowest", "highest")
    lines = [[call, *(f"{values[key]:.3f}" for key in keys)] for call, values in result.items()]
    return table(heads, lines) + "\n"


def _medians(turns: Sequence[Times]) -> Times:
    return {call: statistics.median(turn[call] for turn in turns) for call in turns[0]}


def _earlier(path: Path | None, old: str, new: str) -> dict[str, Any]:
    """The results in the file, where they are of the same two commits."""
    if path is None or not path.exists():
        return {}
    report = json.loads(path.read_text())
    same = (report["old"], report["new"]) == (old[:12], new[:12])
    return dict(report["results"]) if same else {}


class Worker:
    """A process of one commit; `against_worker` is its other end."""

    def __init__(self, package: Path, *arguments: str) -> None:
        command, path = environment(package)
        self._process = subprocess.Popen(
            [*command, str(WORKER), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **KEEP_FREED_MEMORY, "PYTHONPATH": path},
        )

    def turn(self) -> Times:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a process ended early; what it said is above")
        return dict(json.loads(line))


if __name__ == "__main__":
    sys.exit(main())
