"""The sizes of files in docs/results.md and README.md are those that were measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from file_sizes import Sizes, as_table

ROOT = Path(__file__).parents[2]
FOUND = json.loads((ROOT / "benchmarks" / "results" / "file_sizes.json").read_text())["bytes"]
TRAINED = {
    "SD-BNN ResNet-20": ("resnet20", "sdbnn"),
    "BNN VGG-Small": ("vgg-small", "bnn"),
    "SD-BNN VGG-Small": ("vgg-small", "sdbnn"),
}


def test_the_page_has_the_table() -> None:
    assert as_table(FOUND) in (ROOT / "docs" / "results.md").read_text("utf-8")


@pytest.mark.parametrize("title", TRAINED)
def test_the_trained_networks(title: str) -> None:
    network, method = TRAINED[title]
    sizes = Sizes(**FOUND[network][method])
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in (ROOT / "README.md").read_text("utf-8").splitlines()
        if line.startswith(f"| {title} |")
    ]
    cells = [f"{sizes.file / 1000:,.0f} kB, {sizes.ratio:.1f}"]
    assert [row[3:4] for row in rows] == [cells]
    page = (ROOT / "docs" / "results.md").read_text("utf-8")
    assert (
        f"| {title} | {sizes.float32 / 1000:,.0f} kB | {sizes.file / 1000:,.1f} kB | "
        f"{sizes.ratio:.1f} |" in page
    )
