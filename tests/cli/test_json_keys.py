"""What every command prints with --json, key by key, is what docs/commands.md says."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from safetensors.torch import save_file
from tests.cli.conftest import Cli

from signbit import methods, models
from signbit.cli.app import EXPORT, app
from signbit.compiler.compiled import OtherSize
from signbit.compiler.verification.agreement import NearSign, NodeAgreement
from signbit.errors import Refusal

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"
OPAQUE = {"source", "values"}
"""Objects whose keys are names of notes and of a recipe's values."""

TYPES: dict[str, Any] = {
    "text": str,
    "integer": int,
    "number": (int, float),
    "true or false": bool,
    "object": dict,
    "list of objects": dict,
    "list of text": str,
    "list of integers": int,
    "list of numbers": (int, float),
}


RARE = {
    "sizes": [OtherSize((5, 7), None, "an odd map").to_dict()],
    "refused": [asdict(Refusal("a", "b", "c", "d", "e", 1, "f"))],
    "nodes": [NodeAgreement("a", "b", "c", signs_near=[NearSign(0, (1, 2, 3), 0.5)]).to_dict()],
}
"""What `compile` prints of networks that take long to build."""


class Row(NamedTuple):
    """A row of the page's tables."""

    type: str
    commands: frozenset[str]


def rows() -> dict[str, Row]:
    found: dict[str, Row] = {}
    lines = re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \| (.+?) \|$", PAGE.read_text(), re.M)
    for key, kind, commands in lines:
        assert key not in found, f"{key} has two rows"
        found[key] = Row(kind, frozenset(commands.split(", ")))
    return found


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key and its value, at any depth."""
    if isinstance(value, list):
        for each in value:
            yield from pairs(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key, each
            if key not in OPAQUE:
                yield from pairs(each)


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of a type as the page names it."""
    kind, _, null = kind.partition(" or null")
    if value is None:
        return " or null" in f"{kind}{_}{null}"
    if kind.startswith("list of "):
        return isinstance(value, list) and all(
            isinstance(each, TYPES[kind]) and not isinstance(each, bool) for each in value
        )
    return isinstance(value, TYPES[kind]) and (isinstance(value, bool) == (kind == "true or false"))


def every_command(run: Path, model: Path, tmp_path: Path) -> list[list[str]]:
    """Command lines that print every key, in an order that can be followed."""
    pytest.importorskip("onnxruntime")
    network = models.build("real-resnet20", methods.get("real"), classes=10, channels=3)
    save_file(network.state_dict(), tmp_path / "real.safetensors")
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (9, 8)).save(photos / "a.png")
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    short = ["epochs=1", "train_images=64", "batch_size=32"]
    rates = ["--lr", "0.1", "--lr", "1"]
    lines: list[list[object]] = [
        ["demo", "--out", tmp_path / "demo"],
        ["recipes"],
        ["config"],
        ["recipes", "sdbnn-digits"],
        ["train", "sdbnn-digits", "--out", run, "epochs=2", "--deliver"],
        ["pretrain", "moco-digits", "--out", tmp_path / "b", *short],
        ["probe", run, "--epochs", "1", *rates],
        ["finetune", run, "--labels", "0.5", *short, "--out", tmp_path / "tuned"],
        ["import", "real-resnet20", tmp_path / "real.safetensors", "--out", tmp_path / "real"],
        ["compare", "bnn", "--protocol", "bnn-digits", "--out", tmp_path / "c", *short],
        ["curves", run, "-o", tmp_path / "curves.png"],
        ["report", run, "-o", tmp_path / "r.html", "--figures", tmp_path / "charts"],
        ["publish", run, "--to", tmp_path / "published", "--images", "9"],
        ["evaluate", run],
        ["evaluate", model, "--data", "digits"],
        ["compile", run, "-o", tmp_path / "x.sbnn", "--images", "9"],
        [
            "compile",
            run,
            "-o",
            tmp_path / "y.sbnn",
            "--images",
            "9",
            "--stem",
            "int16",
            "--renew-statistics",
            "9",
        ],
        ["compile", run, "-o", tmp_path / "z.sbnn", "--images", "9", "--features"],
        [
            "compile",
            run,
            "-o",
            tmp_path / "sure.sbnn",
            "--images",
            "9",
            "--calibrate",
            "50",
            "--none-below",
            "0.1",
        ],
        ["predict", model, photos / "a.png"],
        ["predict", tmp_path / "sure.sbnn", photos / "a.png"],
        ["predict", model, photos / "a.png", "--out", tmp_path / "answers.csv"],
        ["predict", tmp_path / "z.sbnn", photos / "a.png", "--nearest", photos],
        ["inspect", run],
        ["inspect", run, "--training"],
        ["inspect", model],
        ["inspect", "vgg-small", "--method", "bnn", "--classes", "10"],
        ["bench", model, "--runs", "2", "--per-node"],
        ["export", "c", model, "-o", tmp_path / "firmware"],
        ["export", "web", model, "-o", tmp_path / "site"],
        ["export", "onnx", run, "-o", tmp_path / "model.onnx", "--images", "9"],
    ]
    return [[str(word) for word in line] for line in lines]


def command_of(line: list[str]) -> str:
    return " ".join(line[: 2 if line[0] == "export" else 1])


@pytest.mark.slow
@pytest.mark.usefixtures("browser_engines", "short_demo")
def test_every_key_is_on_the_page_and_the_other_way_round(
    cli: Cli, run_folder: Path, model_file: Path, tmp_path: Path
) -> None:
    documented = rows()
    printed = [
        (command_of(line), cli(*line, "--json"))
        for line in every_command(run_folder, model_file, tmp_path)
    ]
    known = {each.name for each in app.registered_commands} | {f"export {name}" for name in EXPORT}
    assert {command for command, _ in printed} == known
    failed = cli("bench", tmp_path / "gone.sbnn", "--json").out
    found = defaultdict(set)
    for command, figures in [
        *((command, result.figures) for command, result in printed),
        ("compile", json.loads(json.dumps(RARE))),
        ("every command", json.loads(failed)),
    ]:
        for key, value in pairs(figures):
            assert key in documented, f"docs/commands.md does not know {key} of {command}"
            assert fits(value, documented[key].type), (command, key, value, documented[key].type)
            found[key].add(command)
    assert {key: set(row.commands) for key, row in documented.items()} == dict(found)
