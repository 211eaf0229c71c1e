from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Cli


def test_a_run_s_report_has_its_curves_and_agreement(
    cli: Cli, run_folder: Path, tmp_path: Path
) -> None:
    page = tmp_path / "r.html"
    charts = tmp_path / "charts"
    found = cli("report", run_folder, "-o", page, "--figures", charts, "--json").figures
    assert found["top1"] == pytest.approx(cli("evaluate", run_folder, "--json").figures["top1"])
    assert found["bytes"] == page.stat().st_size
    assert {Path(each).name for each in found["charts"]} >= {"curves.pdf", "confusion.svg"}
    assert "get PyTorch&#x27;s answer" in page.read_text("utf-8")


def test_a_file_s_report_says_what_it_lacks(cli: Cli, model_file: Path, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    result = cli("report", model_file, "-o", page)
    assert result.code == 0
    assert "--data SOURCE shows how it answers" in result.err
    assert "confusion" not in page.read_text("utf-8")
    found = cli("report", model_file, "--data", "digits", "-o", page, "--images", "9", "--json")
    assert found.figures["images"] == 9
    assert 'id="confusion' in page.read_text("utf-8")


def test_bad_input_is_one_line(cli: Cli, model_file: Path, tmp_path: Path) -> None:
    for arguments, why in (
        ((model_file, "-o", tmp_path / "r.pdf"), "-o names a .html file"),
        ((tmp_path / "gone", "-o", tmp_path / "r.html"), "no such run folder or .sbnn file"),
        ((model_file, "-o", tmp_path / "no" / "r.html"), "there is no folder"),
        ((model_file, "-o", tmp_path / "r.html", "--data", tmp_path), ""),
    ):
        assert why in cli("report", *arguments).mistake
    assert not list(tmp_path.rglob("*.html"))


def test_without_matplotlib_it_names_the_extra(fresh_cli: Cli, model_file: Path) -> None:
    page = model_file.with_suffix(".html")
    result = fresh_cli("report", model_file, "-o", page, blocked=["matplotlib"])
    assert "signbit[plot]" in result.mistake
