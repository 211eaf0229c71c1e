"""The script that builds a release knows the version, and the page names what it builds."""

from __future__ import annotations

import runpy
import tarfile
from pathlib import Path

import pytest

import signbit

ROOT = Path(__file__).parents[1]
SCRIPT = runpy.run_path(str(ROOT / "tools" / "release.py"))


def test_the_version_is_the_same_everywhere() -> None:
    assert SCRIPT["version"]() == signbit.__version__


def test_one_that_stands_otherwise_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src" / "signbit").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.0.0"\n')
    package = tmp_path / "src" / "signbit" / "__init__.py"
    monkeypatch.setitem(SCRIPT["version"].__globals__, "ROOT", tmp_path)
    package.write_text('__version__ = "1.0.1"\n')
    with pytest.raises(SystemExit, match=r"pyproject.toml says 1\.0\.0"):
        SCRIPT["version"]()
    package.write_text('__version__ = "1.0.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("## 0.9.0\n")
    with pytest.raises(SystemExit, match=r"no heading ## 1\.0\.0"):
        SCRIPT["version"]()


def test_a_folder_is_packed_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").touch()
    SCRIPT["packed"](tmp_path / "site", "signbit-1-site", tmp_path)
    with tarfile.open(tmp_path / "signbit-1-site.tar.gz") as archive:
        assert archive.getnames() == ["signbit-1-site", "signbit-1-site/index.html"]
