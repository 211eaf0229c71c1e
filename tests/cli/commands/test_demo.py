from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli
from tests.thorough import LONG

SAME = ("pytorch_top1", "engine_top1", "same_answers", "trained_bytes", "bytes")
"""Figures that do not depend on how busy the machine is."""


def assert_alike(first: dict[str, Any], again: dict[str, Any]) -> None:
    assert {key: again[key] for key in SAME} == {key: first[key] for key in SAME}


@pytest.mark.slow
def test_the_whole_job(fresh_cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    first = fresh_cli("demo", "--out", out, "--json").figures
    assert first["pytorch_top1"] >= 0.96
    assert first["engine_top1"] == first["pytorch_top1"]
    assert first["same_answers"] == 1
    assert first["images"] == 362
    assert first["bytes"] == (out / "model.sbnn").stat().st_size < first["trained_bytes"]
    assert first["ms_per_image"] > 0
    if LONG:
        assert_alike(first, fresh_cli("demo", "--out", tmp_path / "again", "--json").figures)


@pytest.mark.slow
@pytest.mark.usefixtures("short_demo")
def test_a_job_of_two_epochs_and_the_same_again(cli: Cli, tmp_path: Path) -> None:
    first, again = (cli("demo", "--out", tmp_path / name, "--json").figures for name in "ab")
    assert_alike(first, again)
    files = [(tmp_path / name / "model.sbnn").read_bytes() for name in "ab"]
    assert files[0] == files[1]
