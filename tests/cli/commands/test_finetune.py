from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Cli

SHORT = ("epochs=1", "batch_size=32")


def test_fine_tuning_a_run(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "tuned"
    arguments = ("finetune", run_folder, "--labels", "0.1", "--out", out, *SHORT)
    result = cli(*arguments, "--json")
    assert result.figures["run"] == str(out)
    assert result.figures["labels"] == 0.1
    assert f"compile {out}" in result.err
    evaluated = cli("evaluate", out, "--json").figures
    assert evaluated["top1"] == result.figures["top1"]
    assert "fine-tuned" in cli(*arguments).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--labels", "0"], "label_share"),
        (["--labels", "1.5"], "label_share"),
        (["--labels", "0.1", "--data", "nowhere"], "nowhere: no such folder"),
        (["--labels", "0.1", "epoch=3"], "epoch"),
    ],
)
def test_mistakes_are_told(
    cli: Cli, run_folder: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    assert said in cli("finetune", run_folder, "--out", tmp_path / "out", *arguments).mistake
    assert not (tmp_path / "out").exists()
