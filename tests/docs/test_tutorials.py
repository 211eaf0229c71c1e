"""The commands of the tutorials, in their order, each for an epoch and on a few images."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from signbit.cli.main import run

TUTORIALS = Path(__file__).resolve().parents[2] / "docs" / "tutorials"
TRAINS = ("train", "pretrain", "finetune")


def commands(page: str) -> list[list[str]]:
    """The words behind `signbit` of every command in a fenced block."""
    text = (TUTORIALS / f"{page}.md").read_text("utf-8")
    fenced = re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in fenced for line in block.splitlines()]
    assert all(line.startswith("signbit ") for line in lines)
    return [shlex.split(line)[1:] for line in lines]


def shortened(words: list[str]) -> list[str]:
    """The same command for one epoch, on images that are here."""
    words = [word.replace("hub:uoft-cs/cifar10", "photos") for word in words]
    if words[0] in TRAINS:
        return [*(word for word in words if not word.startswith("epochs=")), "epochs=1"]
    return [*words, "--epochs", "1"] if words[0] == "probe" else words


@pytest.mark.slow
@pytest.mark.parametrize("page", ["fine-tuning", "without-labels"])
def test_the_commands_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for index in range(4):
                pixels = rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.png")
    for words in commands(page):
        assert run(shortened(words)) == 0, words
