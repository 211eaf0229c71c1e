"""Does this commit give the answers of another one? Every case of the agreement grid, bit for bit.

    python benchmarks/same_answers.py 000367b --data ../shared/data/cifar10 \\
        --imagenet ../shared/data/imagenet-sample --out benchmarks/results/same_answers.json

Both commits are built (into build/against). Networks and methods that the other one lacks are left
out. This one draws a case's weights; then each compiles them itself, in a process of its own, and
runs its own file on the same random images on every instruction set of the machine. The file is
written whenever a case is done; another run of the same two commits goes on behind the last one, on
another machine too: each case names its processor. Commit first: a changed tree is another one at
every run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from commits.against_build import built, commit_of, environment, working_tree
from measuring import machine
from measuring.written import write_json
from subjects.grid_cases import Case, cases

__all__ = ["compare", "differing", "main"]

Line = dict[str, Any]

WORKER = Path(__file__).parent / "commits" / "same_answers_worker.py"
SIDES = ("new", "old")
SIZE = "bytes"
"""What is no instruction set in what a worker writes."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("revision", help="the commit to compare with")
    parser.add_argument("--new", help="another one than the working tree's tracked files")
    parser.add_argument("--data", required=True, help="CIFAR-10, as `signbit evaluate --data`")
    parser.add_argument("--imagenet", required=True, help="photographs, in the same form")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--images", type=int, default=8, help="random images of a case")
    parser.add_argument("--seconds", type=float, default=inf, help="begin no case after these")
    arguments = parser.parse_args()
    end = time.perf_counter() + arguments.seconds
    commits = {
        "old": commit_of(arguments.revision),
        "new": commit_of(arguments.new) if arguments.new else working_tree(),
    }
    packages = {side: built(commit) for side, commit in commits.items()}
    setting = {**commits, "images": arguments.images}
    done = before(arguments.out, setting)
    models, methods = known(packages["old"])
    wanted = [
        case
        for case in cases()
        if case.network in models and case.method in methods and arguments.only in case.name
    ]
    photographs = [arguments.data, arguments.imagenet]
    workers = {"new": Worker(packages["new"], *photographs), "old": Worker(packages["old"])}
    processor = machine.facts()["processor"]
    for number, case in enumerate(wanted, 1):
        if case.name not in done and time.perf_counter() < end:
            line = compare(case, workers, arguments.images)
            done[case.name] = {**line, "processor": processor}
            write(arguments.out, setting, list(done.values()))
            print(f"{number}/{len(wanted)} {case.name}: {said(line)}", flush=True)
    results = [done[case.name] for case in wanted if case.name in done]
    faults = [line for line in results if not same(line)]
    print(f"{len(results)} of {len(wanted)} cases, {len(faults)} differ")
    return 1 if faults else 0


def known(package: Path) -> tuple[list[str], list[str]]:
    """The names of a commit's networks and methods."""
    command, path = environment(package)
    code = "import json; from signbit import methods, models as m"
    code += "; print(json.dumps([m.names(), methods.names()]))"
    said = subprocess.run(
        [*command, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    models, methods = json.loads(said.stdout)
    return models, methods


def before(path: Path, setting: Line) -> dict[str, Line]:
    """The results that an earlier run of the same setting has written, by case."""
    if not path.exists():
        return {}
    figures = json.loads(path.read_text())
    if figures["setting"] != setting:
        sys.exit(f"{path}: made with {figures['setting']}; remove the file to begin anew")
    return {line["case"]: line for line in figures["cases"]}


def write(path: Path, setting: Line, results: list[Line]) -> None:
    """Write all results so far; a run that is stopped meanwhile leaves those before."""
    figures = {
        "command": "python benchmarks/same_answers.py " + " ".join(sys.argv[1:]),
        "setting": setting,
        "versions": machine.facts("torch"),
        "differing": {line["case"]: said(line) for line in results if not same(line)},
        "cases": results,
    }
    write_json(path, figures)


class Worker:
    """A commit's process, which draws weights where it is given photographs."""

    def __init__(self, package: Path, *photographs: str) -> None:
        command, path = environment(package)
        self.process = subprocess.Popen(
            [*command, str(WORKER), *photographs],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, side: str, folder: str, case: Case, count: int) -> str:
        """One case; what failed, or nothing."""
        pipes = self.process.stdin, self.process.stdout
        assert pipes[0]
        assert pipes[1]
        task = {"side": side, "folder": folder, "case": list(case), "count": count}
        print(json.dumps(task), file=pipes[0], flush=True)
        answer = pipes[1].readline()
        return answer.strip() if answer else f"the worker of the {side} commit ended"


def compare(case: Case, workers: Mapping[str, Worker], images: int) -> Line:
    """One case: its images with logits that differ in any bit, by instruction set."""
    start = time.perf_counter()
    line: Line = {"case": case.name}
    with TemporaryDirectory() as folder:
        # The new commit goes first: it draws the weights.
        failure = next(filter(None, (workers[s].do(s, folder, case, images) for s in SIDES)), "")
        if failure:
            line["failed"] = failure
        else:
            answers = {side: dict(np.load(Path(folder, f"{side}.npz"))) for side in SIDES}
            line["file_bytes"] = {side: int(found.pop(SIZE)) for side, found in answers.items()}
            line["different"] = differing(answers["old"], answers["new"])
    return {**line, "seconds": round(time.perf_counter() - start, 1)}


def differing(
    old: Mapping[str, npt.NDArray[np.float32]], new: Mapping[str, npt.NDArray[np.float32]]
) -> dict[str, int]:
    """Of logits (N, classes) by instruction set, images that differ in any bit.

    All images are where only one commit has the instruction set, or logits have another shape.
    """
    found: dict[str, int] = {}
    for isa, logits in {**old, **new}.items():
        pair = [side[isa] for side in (old, new) if isa in side]
        if len(pair) < 2 or pair[0].shape != pair[1].shape:
            found[isa] = len(logits)
            continue
        one, other = (np.ascontiguousarray(each).view(np.uint32) for each in pair)
        found[isa] = int((one != other).reshape(len(logits), -1).any(1).sum())
    return found


def same(line: Line) -> bool:
    """Whether a case's answers are the same everywhere."""
    return "failed" not in line and not any(line["different"].values())


def said(line: Line) -> str:
    """A case's result in words."""
    if "failed" in line:
        return f"failed: {line['failed']}"
    parts = [f"{count} images differ on {isa}" for isa, count in line["different"].items() if count]
    sizes = line["file_bytes"]
    return f"{', '.join(parts) or 'the same'}; {sizes['old']} → {sizes['new']} bytes"


if __name__ == "__main__":
    sys.exit(main())
