"""How evenly signs fall in each layer: a table and a picture from the logs of finished runs.

    python benchmarks/sign_balance.py "none=RUN" "ASD=RUN" --out docs/sign-balance.png

For every layer the share of +1 in a channel of its binarized input, on the first batch of test
images: the mean over channels, and the least and most of them. A channel at 0 or 1 says nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from measuring.tables import table

Spread = tuple[float, float, float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN", help="finished run folders")
    parser.add_argument("--out", type=Path, help="the PNG file to write")
    arguments = parser.parse_args()
    found = {}
    for word in arguments.runs:
        name, equals, folder = word.partition("=")
        if not equals:
            parser.error(f"{word}: write NAME=RUN")
        found[name] = balance(Path(folder))
    layers = list(next(iter(found.values())))
    rows = [(layer, *(shown(spreads[layer]) for spreads in found.values())) for layer in layers]
    whole = [overall(spreads) for spreads in found.values()]
    print(table(("share of +1: mean (least–most)", *found), [*rows, ("all layers", *whole)]))
    if arguments.out:
        draw(found, arguments.out)
    return 0


def balance(run: Path) -> dict[str, Spread]:
    """Layer → (mean, min, max) over channels, after the run's last epoch."""
    last = json.loads((run / "metrics.jsonl").read_text("utf-8").splitlines()[-1])
    names = [
        key.split("/")[1] for key in last if key.startswith("inputs/") and key.endswith("mean")
    ]
    return {
        name: (last[f"inputs/{name}/mean"], last[f"inputs/{name}/min"], last[f"inputs/{name}/max"])
        for name in names
    }


def shown(spread: Spread) -> str:
    mean, least, most = spread
    return f"{mean:.2f} ({least:.2f}–{most:.2f})"


def overall(spreads: dict[str, Spread]) -> str:
    """The mean distance of the layers' means from 1/2, and the mean width of their spreads."""
    off = sum(abs(mean - 0.5) for mean, _, _ in spreads.values()) / len(spreads)
    width = sum(most - least for _, least, most in spreads.values()) / len(spreads)
    return f"off 1/2 by {off:.3f}, {width:.2f} wide"


def draw(found: dict[str, dict[str, Spread]], out: Path) -> None:
    figure, axes = plt.subplots(figsize=(9, 3.5), layout="constrained")
    for index, (name, spreads) in enumerate(found.items()):
        places = [layer + 0.18 * (index - (len(found) - 1) / 2) for layer in range(len(spreads))]
        means = [mean for mean, _, _ in spreads.values()]
        below = [mean - least for mean, least, _ in spreads.values()]
        above = [most - mean for mean, _, most in spreads.values()]
        axes.errorbar(places, means, (below, above), fmt="o", ms=4, lw=1.2, label=name)
    layers = list(next(iter(found.values())))
    axes.set_xticks(range(len(layers)), layers, rotation=60, ha="right", fontsize=7)
    axes.axhline(0.5, color="0.7", lw=0.8, zorder=0)
    axes.set(ylim=(0, 1), ylabel="share of +1 in a channel")
    axes.legend(ncols=len(found), fontsize=8)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
