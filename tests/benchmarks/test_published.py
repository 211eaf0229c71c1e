"""The script measures what the published networks reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from published import NETWORKS, measure


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_few_images(name: str, shared_data: Path) -> None:
    found = measure(name, shared_data, 100, seconds=0.05)
    assert 0.65 < found.top1 <= 1
    assert 0 < found.model_bytes < found.file_bytes
    assert found.ms > 0
