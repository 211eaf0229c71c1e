from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Cli


@pytest.mark.slow
def test_the_whole_job_twice(fresh_cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    first = fresh_cli("demo", "--out", out, "--json").figures
    assert first["pytorch_top1"] >= 0.96
    assert first["engine_top1"] == first["pytorch_top1"]
    assert first["same_answers"] == 1
    assert first["images"] == 362
    assert first["bytes"] == (out / "model.sbnn").stat().st_size < first["trained_bytes"]
    assert first["ms_per_image"] > 0
    again = fresh_cli("demo", "--out", out, "--json").figures
    for key in ("pytorch_top1", "engine_top1", "same_answers", "trained_bytes", "bytes"):
        assert again[key] == first[key]
