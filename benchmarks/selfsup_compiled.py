"""Does a backbone that learned without labels, compiled, give the features that were trained?

    python benchmarks/selfsup_compiled.py RUN --probe RUN/probe --data CIFAR10 \\
        --out benchmarks/results/selfsup_compiled.json

By the installed `signbit`: the backbone as a feature extractor and, with its probe, as a classifier
are compared with PyTorch node by node and end to end on --images test images; then the classifier's
file is scored on all of them, beside what the probe itself had. Exit code 1 where a bar is missed:
nodes agree, the median cosine is at least PyTorch's own with and without oneDNN minus 0.001, top-1
within 0.2 points.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from measuring import machine
from measuring.written import write_json

COSINE_BELOW, POINTS = 0.001, 0.2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a run folder of signbit pretrain")
    parser.add_argument("--probe", type=Path, required=True, help="its probe's folder")
    parser.add_argument("--data", required=True, help="labelled images, as `signbit evaluate`")
    parser.add_argument("--images", type=int, default=1000, help="to compare node by node")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    arguments = parser.parse_args()
    words = ["--data", arguments.data, "--images", str(arguments.images)]
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("features.sbnn", "model.sbnn")]
        features = compiled(str(arguments.run), "--features", "-o", files[0], *words)
        classifier = compiled(
            str(arguments.run), "--probe", str(arguments.probe), "-o", files[1], *words
        )
        scored = answer("evaluate", files[1], "--data", arguments.data)
    probed = json.loads((arguments.probe / "metrics.json").read_text("utf-8"))["top1"]
    cosine, own = (
        features["end_to_end"][name] for name in ("median_cosine", "onednn_median_cosine")
    )
    some = classifier["end_to_end"]
    bars = {
        "nodes": features["agrees"] and classifier["agrees"],
        "cosine": cosine >= own - COSINE_BELOW,
        "top-1 on those images": within(some["engine_top1"], some["pytorch_top1"]),
        "top-1 on all test images": within(scored["top1"], probed),
    }
    figures = {
        "command": "python benchmarks/selfsup_compiled.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts("torch"),
        "features": features,
        "classifier": classifier,
        "all_test_images": {"engine_top1": scored["top1"], "probe_top1": probed},
        "met": bars,
    }
    write_json(arguments.out, figures)
    print(f"median cosine {cosine:.6f}, PyTorch's own {own:.6f}")
    print(f"top-1 of {some['images']}: {some['engine_top1']:.4f}, {some['pytorch_top1']:.4f}")
    print(f"top-1 of all: {scored['top1']:.4f}, probe {probed:.4f}")
    print(", ".join(f"{name}: {'met' if met else 'MISSED'}" for name, met in bars.items()))
    return 0 if all(bars.values()) else 1


def compiled(*words: str) -> dict[str, Any]:
    """The agreement that `signbit compile` reports; of near signs how many, not each."""
    agreement = answer("compile", *words)["agreement"]
    for node in agreement["nodes"]:
        node["signs_near"] = len(node["signs_near"])
    return dict(agreement)


def within(engine: float, pytorch: float) -> bool:
    """Whether two shares differ by the points allowed; counts of images make both exact."""
    return round(100 * abs(engine - pytorch), 6) <= POINTS


def answer(*words: str) -> dict[str, Any]:
    """What a command prints with --json; `compile` also exits with 1 where nodes disagree."""
    program = Path(sysconfig.get_path("scripts")) / "signbit"
    done = subprocess.run([program, *words, "--json"], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"signbit {' '.join(words)}: {done.stderr.strip()[-500:]}")
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    sys.exit(main())
