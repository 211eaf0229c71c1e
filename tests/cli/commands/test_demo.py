from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Cli


@pytest.mark.slow
def test_the_whole_job_twice(fresh_cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    first = fresh_cli("demo", "--out", out, "--json").figures
    assert first["model_top1"] >= 0.96
    assert first["engine_top1"] == first["model_top1"]
    assert first["agreement"] == 1
    assert first["images"] == 362
    assert first["sbnn_bytes"] == (out / "model.sbnn").stat().st_size < first["float32_bytes"]
    assert first["ms_per_image"] > 0
    again = fresh_cli("demo", "--out", out, "--json").figures
    for key in ("model_top1", "engine_top1", "agreement", "float32_bytes", "sbnn_bytes"):
        assert again[key] == first[key]
