"""A wheel beside NumPy alone, in each Python that is here: what tools/clean_install.py requires."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.thorough import LONG

ROOT = Path(__file__).parents[2]
WHEELS = sorted((ROOT / "build").glob("*/*.whl")) + sorted((ROOT / "build").glob("*/*/*.whl"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not LONG, reason="makes environments; SIGNBIT_TESTS=long"),
    pytest.mark.skipif(not WHEELS, reason="no wheels in build; make wheels"),
]


def test_it_predicts_with_numpy_alone(tmp_path: Path) -> None:
    script, figures = ROOT / "tools" / "clean_install.py", tmp_path / "figures.json"
    subprocess.run([sys.executable, script, *WHEELS, "--out", figures], check=True)
    found = json.loads(figures.read_text())
    assert "3.11" in found
    for row in found.values():
        assert row["seconds"] < 20
        assert row["signbit_bytes"] < 20e6
