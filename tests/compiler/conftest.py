"""Every graph that these tests compile is verified after each pass."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNBIT_VERIFY_IR", "1")
