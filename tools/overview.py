"""Write what the README's first screen shows: docs/overview.svg, and the table of times.

Sizes and times are read from benchmarks/results, and the picture's dot product is computed here.

    python -m tools.overview
"""

import json
import re
from pathlib import Path

import numpy as np
from tools.svg import arrow, bits, box, document, minus, text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "overview.svg"
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"
NETWORKS = {
    "bireal-resnet18-224": ("Bi-Real ResNet-18, 224×224", ("resnet18", "bireal")),
    "bireal-resnet18-cifar": ("Bi-Real ResNet-18, 32×32", ("resnet18-cifar", "bireal")),
    "sdbnn-resnet20": ("SD-BNN ResNet-20, 32×32", ("resnet20", "sdbnn")),
}
"""A network in whole_networks.json → its title; its architecture and method in file_sizes.json."""
COLUMNS = {
    "signbit": r"signbit, int16 stem",
    "OpenVINO, binary": r"OpenVINO binary.*",
    "best int8": r".* int8.*",
    "best float32": r".* float32",
}
"""A column's title → the contenders of which the fastest is shown."""
WIDTH, HEIGHT = 880, 432
LEFT, CELL, TAPS = 150, 54, 12


def main() -> None:
    PICTURE.write_text(picture(), "utf-8")
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")


def with_table(text: str) -> str:
    """`text` with the table of today's results between its two marks."""
    before, start, rest = text.partition("<!-- times: generated -->\n")
    _, end, after = rest.partition("<!-- end -->")
    return before + start + table() + end + after


def table() -> str:
    """Milliseconds per image on one core and one image at a time, as Markdown."""
    lines = [
        f"| ms per image, one core | file | {' | '.join(COLUMNS)} |",
        "|---|---|" + "---|" * len(COLUMNS),
    ]
    for network, (title, built) in NETWORKS.items():
        ms = _times(network)
        best = [f"{_fastest(ms, pattern):#.3g}" for pattern in COLUMNS.values()]
        lines.append(f"| {title} | {_sizes(*built)['file'] / 1000:,.0f} kB | {' | '.join(best)} |")
    return "\n".join(lines) + "\n"


def _sizes(architecture: str, method: str) -> dict[str, int]:
    """Bytes of the compiled file, and of the parameters in float32."""
    found = json.loads((RESULTS / "file_sizes.json").read_text())["bytes"]
    return found[architecture][method]


def _times(network: str) -> dict[str, float]:
    """Contender → milliseconds per image, at batch 1 on one core."""
    cases = json.loads((RESULTS / "whole_networks.json").read_text())["cases"]
    (case,) = [
        case
        for case in cases
        if case["network"] == network and case["threads"] == case["batch"] == 1
    ]
    return {name: found["ms"] for name, found in case["contenders"].items()}


def _fastest(ms: dict[str, float], pattern: str) -> float:
    return min(value for name, value in ms.items() if re.fullmatch(pattern, name))


def picture() -> str:
    """The whole picture as the text of an SVG file."""
    title = "From a PyTorch model to one bit, and how one output is computed"
    return document(WIDTH, HEIGHT, title, [*_way(), *_arithmetic()])


def _way() -> list[str]:
    """The three stations of a network, with what was measured of SD-BNN ResNet-20."""
    size = _sizes("resnet20", "sdbnn")
    ms = _times("sdbnn-resnet20")
    stations = [
        ("PyTorch model", f"{size['float32'] / 1000:,.0f} kB in float32", "latent real weights"),
        ("model.sbnn", f"{size['file'] / 1000:,.0f} kB", "one bit per binary weight"),
        (
            "engine, C++",
            f"{_fastest(ms, COLUMNS['signbit']):.2f} ms per image",
            f"best float32 engine: {_fastest(ms, COLUMNS['best float32']):.2f} ms",
        ),
    ]
    parts = []
    for place, (title, *lines) in enumerate(stations):
        left = 24 + 306 * place
        parts.append(box(left, 20, 220, 92))
        parts.append(text(left + 110, 48, title, "title middle"))
        parts += [text(left + 110, 74 + 22 * i, line, "middle") for i, line in enumerate(lines)]
    for left, word in ((244, "compile"), (550, "load")):
        parts.append(arrow(left + 6, 66, 70))
        parts.append(text(left + 41, 56, word, "small soft middle"))
    machine = "SD-BNN ResNet-20, 32×32 pixels, batch 1, one core of an AMD EPYC (Zen 4)"
    return [*parts, text(WIDTH // 2, 138, machine, "small soft middle")]


def _arithmetic() -> list[str]:
    """One output of a binary layer: real values, their signs as bits, and the count."""
    inputs, weights = np.random.default_rng(1).normal(size=(2, TAPS)).round(1)
    signs, weight_signs = inputs < 0, weights < 0
    differ = signs ^ weight_signs
    count = int(differ.sum())
    dot = TAPS - 2 * count
    assert dot == np.where(signs, -1, 1) @ np.where(weight_signs, -1, 1)
    parts = [text(24, 180, "One output of a binary layer: the dot product of signs", "title")]
    rows = [
        ("input x", inputs),
        ("sign bits of x", signs),
        ("weight w", weights),
        ("sign bits of w", weight_signs),
        ("x XOR w", differ),
    ]
    for row, (name, values) in enumerate(rows):
        bottom = 216 + 36 * row
        parts.append(text(LEFT - 20, bottom, name, "end"))
        if values.dtype == bool:
            parts += bits(LEFT, bottom, values, CELL)
            continue
        for column, value in enumerate(values):
            middle = LEFT + CELL * column + CELL / 2
            parts.append(text(middle, bottom, minus(value, "+.1f"), "bit"))
    sentence = f"dot = {TAPS} − 2 · popcount(x XOR w) = {TAPS} − 2 · {count} = {dot}"
    parts.append(text(LEFT, 402, sentence.replace("= -", "= −"), "title"))
    parts.append(text(WIDTH - 24, 402, "1 = negative; sign(0) = +1", "small soft end"))
    return parts


if __name__ == "__main__":
    main()
