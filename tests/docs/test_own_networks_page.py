"""The second half of docs/own-networks.md: its network, its report and its training, as they stand.

`tests/cli/test_own_files.py` runs the first half.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "own-networks.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def page(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the page's second program leaves; it has printed the report that is on the page."""
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    exec(blocks("python")[1], names)
    assert capsys.readouterr().out == blocks("text")[0]
    return names


def test_the_network_is_trained_as_the_page_says(
    page: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = np.arange(80) % 10
    images = np.zeros((80, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 4] = 200
    page |= {"images": images, "labels": labels, "test_images": images, "test_labels": labels}
    exec(blocks("python")[2], page)
    assert page["run"].recipe.network == "own"
    assert page["result"].epochs == 3
