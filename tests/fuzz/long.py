"""Long fuzzing in slices that add up: the counts of all slices are kept in one JSON file.

usage: python -m tests.fuzz.long OUT.json [--seconds S] [--slice S] [--targets reader,graphs,…]

`make fuzz` builds the targets first (build/fuzz). Each slice is one run of one target for some
seconds, and one line of the file: target, inputs, seconds, commit. The run can be stopped at any
time, and another one goes on; what a slice found lies in build/ as crash-…, and ends the run.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["TARGETS", "executed", "main", "totals"]

TARGETS = ("reader", "graphs", "plan", "run")

BUILD = Path("build/fuzz")
CORPUS = Path("build/fuzz-corpus")

_COUNTS = (r"stat::number_of_executed_units: (\d+)", r"(\d+) inputs in")


def executed(log: str) -> int:
    """Inputs of a run, as libFuzzer or our own driver says it at the end."""
    for pattern in _COUNTS:
        found = re.findall(pattern, log)
        if found:
            return int(found[-1])
    raise SystemExit(f"the target did not say how many inputs it ran:\n{log[-2000:]}")


def totals(slices: list[dict[str, Any]]) -> dict[str, int]:
    """Inputs of each target over all slices."""
    return {
        target: sum(each["inputs"] for each in slices if each["target"] == target)
        for target in TARGETS
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="the JSON file to write, or to go on with")
    parser.add_argument("--seconds", type=float, default=3600, help="begin no slice after these")
    parser.add_argument("--slice", type=int, default=120, help="seconds of a slice")
    parser.add_argument("--targets", default=",".join(TARGETS), help="which ones, in this order")
    options = parser.parse_args(arguments)
    targets = options.targets.split(",")
    slices = json.loads(options.out.read_text("utf-8"))["slices"] if options.out.exists() else []
    end = time.monotonic() + options.seconds
    turn = 0
    while time.monotonic() < end:
        target = targets[turn % len(targets)]
        turn += 1
        began = time.monotonic()
        log, failed = _run(target, options.slice)
        if failed:
            print(log[-8000:], file=sys.stderr)
            return 1
        slices.append(
            {
                "target": target,
                "inputs": executed(log),
                "seconds": round(time.monotonic() - began),
                "commit": _commit(),
                "date": time.strftime("%Y-%m-%d"),
            }
        )
        _write(options.out, slices)
        print(f"{target}: {totals(slices)[target]:,} inputs", flush=True)
    return 0


def _run(target: str, seconds: int) -> tuple[str, bool]:
    """The log of one slice, and whether it found something."""
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    command = [BUILD / f"fuzz_{target}", f"-max_total_time={seconds}", "-max_len=8192"]
    command += ["-print_final_stats=1", "-artifact_prefix=build/fuzz-", folder, CORPUS / "samples"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode("utf-8", "replace"), done.returncode != 0


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip()


def _write(out: Path, slices: list[dict[str, Any]]) -> None:
    text = json.dumps({"inputs": totals(slices), "findings": 0, "slices": slices}, indent=1)
    temporary = out.with_suffix(".tmp")
    temporary.write_text(text + "\n", "utf-8")
    temporary.replace(out)


if __name__ == "__main__":
    raise SystemExit(main())
