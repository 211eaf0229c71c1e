from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.cli.conftest import Cli

from signbit.errors import EXTRAS

SHORT = ["epochs=1", "train_images=64", "batch_size=32"]
DIGITS = ["--protocol", "bnn-digits"]


def test_a_table_a_plot_and_more_of_both_later(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "c"
    first = cli("compare", "bnn", "--out", out, *DIGITS, *SHORT, "seeds=2", "--json")
    (row,) = first.figures["rows"]
    assert (row["method"], row["seeds"], len(row["top1_of_seeds"])) == ("bnn", [0, 1], 2)
    assert first.figures["diverged"] == []
    assert "bnn, seed 1 (2 of 2)" in first.err
    assert (out / "plot.png").read_bytes()[:4] == b"\x89PNG"

    more = cli("compare", "bireal", "sdbnn:asd=false", "--out", out, *DIGITS, *SHORT)
    assert more.code == 0, more.err
    assert "sdbnn:asd=false" in more.out
    figures = json.loads((out / "table.json").read_text())
    assert {row["method"] for row in figures["rows"]} == {"bnn", "bireal", "sdbnn:asd=false"}
    table = (out / "table.md").read_text()
    assert table.startswith("digits on digits: 1 epoch, batch 32, adam (lr 0.01")
    assert len(table.splitlines()) == 4 + 3
    assert (out / "table.tex").read_text().count("&") == 7 * (1 + 3)
    assert len((out / "table.csv").read_text().splitlines()) == 1 + 3

    other = cli("compare", "xnor", "--out", out, *DIGITS, "epochs=2", *SHORT[1:])
    assert "another protocol (epochs is 1 there and 2 now)" in other.mistake


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sdbn"], "unknown method 'sdbn'; choose one of"),
        (["epochs=3"], "name at least one method"),
        (["bnn", "--network", "resnet21"], "unknown model 'resnet21'; choose one of"),
        (["bnn", "seeds=0"], "seeds=0: seeds is how many, 1 or more"),
        (["bnn", "seed=3"], "seed=3: methods are arguments"),
        (["bnn", "method.name=sdbnn"], "--network names the network"),
        (["bnn", "epochz=3"], "unknown key epochz; did you mean epochs?"),
    ],
)
def test_mistakes_are_named_and_leave_nothing(
    cli: Cli, tmp_path: Path, arguments: list[str], words: str
) -> None:
    result = cli("compare", *arguments, "--out", tmp_path / "c", *DIGITS)
    assert words in result.mistake
    assert not (tmp_path / "c").exists()


def test_the_data_of_the_command_are_taken(cli: Cli, tmp_path: Path) -> None:
    missing = cli("compare", "bnn", "--out", tmp_path / "c", "--data", tmp_path / "nowhere")
    assert "nowhere: no such folder" in missing.mistake


def test_without_matplotlib_nothing_is_trained(fresh_cli: Cli, tmp_path: Path) -> None:
    result = fresh_cli(
        "compare", "bnn", "--out", tmp_path / "c", *DIGITS, *SHORT, blocked=EXTRAS["plot"]
    )
    assert "pip install 'signbit[plot]'" in result.mistake
    assert not (tmp_path / "c").exists()


def test_a_protocol_without_labels_is_refused(cli: Cli, tmp_path: Path) -> None:
    result = cli("compare", "bnn", "--protocol", "s2bnn-guided-cifar10", "--out", tmp_path / "c")
    assert "s2bnn-guided-cifar10: methods are compared by labels" in result.mistake
    assert not (tmp_path / "c").exists()


def test_a_protocol_that_does_not_fit_is_said_so(cli: Cli, tmp_path: Path) -> None:
    out, data = tmp_path / "c", tmp_path / "data"
    for name in ("a", "b"):
        (data / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (90, 90), (number, 0, 0)).save(data / name / f"{number}.png")
    short = ("epochs=1", "batch_size=4", "data.mean=[0.5]", "data.std=[0.5]")
    result = cli("compare", "bnn", "--out", out, "--data", data, "--network", "digits", *short)
    assert "comparison-cifar10 does not fit" in result.err
    assert "digits sees them at 8×8, down from 90×90 and without colours" in result.err


def test_digits_get_a_protocol_of_their_own(cli: Cli, tmp_path: Path) -> None:
    result = cli("compare", "bnn", "--out", tmp_path, "--data", "digits", *SHORT)
    assert "does not fit" not in result.err
    assert (tmp_path / "table.md").read_text().startswith("digits on digits: 1 epoch")
