"""`signbit export web`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.bitformat.samples import sample_bytes
from tests.cli.conftest import Cli

pytestmark = pytest.mark.usefixtures("browser_engines")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A compiled file."""
    path = tmp_path / "model.sbnn"
    path.write_bytes(sample_bytes())
    return path


def test_a_site_is_written(cli: Cli, model: Path, tmp_path: Path) -> None:
    site = tmp_path / "my site"
    result = cli("export", "web", model, "-o", site)
    assert result.code == 0
    assert (site / "model.sbnn").read_bytes() == sample_bytes()
    assert "python -m http.server --directory" in result.err
    assert "a browser loads" in result.out


def test_figures(cli: Cli, model: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    figures = cli("export", "web", model, "--out", site, "--json").figures
    written = [path for path in site.rglob("*") if path.is_file()]
    assert figures["package_bytes"] == sum(path.stat().st_size for path in written)
    assert figures["files"] == sorted(path.relative_to(site).as_posix() for path in written)
    assert (figures["model"], figures["site"]) == (str(model), str(site))


def test_what_is_there_stays(cli: Cli, model: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    cli("export", "web", model, "-o", site)
    (site / "signbit.js").write_text("mine")
    assert (
        "is there already; --overwrite replaces" in cli("export", "web", model, "-o", site).mistake
    )
    assert (site / "signbit.js").read_text() == "mine"
    assert cli("export", "web", model, "-o", site, "--overwrite").code == 0
    assert (site / "signbit.js").read_text() != "mine"


def test_a_damaged_file_leaves_nothing(cli: Cli, model: Path, tmp_path: Path) -> None:
    model.write_bytes(sample_bytes()[:-3])
    site = tmp_path / "site"
    result = cli("export", "web", model, "-o", site, "--json")
    assert "data_offsets" in result.mistake
    assert json.loads(result.out)["error"]["kind"] == "ModelFileError"
    assert not site.exists()


def test_a_wrong_line_names_its_help(cli: Cli) -> None:
    assert "(see: signbit export web --help)" in cli("export", "web", "--nope").mistake
    assert "(see: signbit export --help)" in cli("export", "nope").mistake
