from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli


def test_runs_are_drawn(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    plot = tmp_path / "curves.png"
    figures = cli("curves", run_folder, "-o", plot, "--json").figures
    assert figures == {"plot": str(plot), "runs": [{"run": str(run_folder), "epochs": 2}]}
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_bad_input_is_one_line(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    assert "not a run folder" in cli("curves", tmp_path, "-o", tmp_path / "c.png").mistake
    for output, why in (
        (tmp_path / "c.jpg", "-o names a .png file"),
        (tmp_path / "nowhere" / "c.png", f"there is no folder {tmp_path / 'nowhere'}"),
        (tmp_path, "is a folder; name a file"),
    ):
        assert f"{output}: {why}" in cli("curves", run_folder, "-o", output).mistake
    assert cli("curves", run_folder, "-o", "/dev/null").code == 0


def test_without_matplotlib_it_names_the_extra(fresh_cli: Cli, run_folder: Path) -> None:
    result = fresh_cli("curves", run_folder, "-o", run_folder / "c.png", blocked=["matplotlib"])
    assert "signbit[plot]" in result.mistake
