from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Cli

import signbit


def test_compares_both_sides_and_replaces_the_file(
    cli: Cli, run_folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "model.sbnn"
    target.write_bytes(b"an older file")
    figures = cli("compile", run_folder, "-o", target, "--images", "40", "--json").figures
    assert figures["bytes"] == target.stat().st_size
    assert figures["binary_parameters"] > figures["parameters"] / 2
    agreement = figures["agreement"]
    assert agreement["agrees"]
    assert agreement["end_to_end"]["images"] == 40
    binary = [node for node in agreement["nodes"] if node["op"] == "binary_conv"]
    assert binary
    assert all(node["dots"] and node["dots_different"] == 0 for node in binary)
    assert list(tmp_path.iterdir()) == [target]
    assert signbit.load(target).class_names == [str(digit) for digit in range(10)]


def test_the_tables(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    shown = cli("compile", run_folder, "-o", tmp_path / "model.sbnn", "--images", "4")
    assert shown.code == 0
    for title in ("layers", "node by node", "end to end"):
        assert title in shown.out


def test_a_missing_run_is_named(cli: Cli, tmp_path: Path) -> None:
    result = cli("compile", tmp_path / "nowhere", "-o", tmp_path / "model.sbnn")
    assert "nowhere" in result.mistake


def test_a_folder_that_is_no_run_is_named(cli: Cli, tmp_path: Path) -> None:
    assert str(tmp_path) in cli("compile", tmp_path, "-o", tmp_path / "model.sbnn").mistake


def test_missing_data_leaves_the_old_file(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.sbnn"
    target.write_bytes(b"an older file")
    result = cli("compile", run_folder, "-o", target, "--data", tmp_path / "gone")
    assert "gone" in result.mistake
    assert target.read_bytes() == b"an older file"


@pytest.mark.parametrize("target", ["", "gone/model.sbnn", "file/model.sbnn"])
def test_a_target_that_cannot_be_written_is_named_first(
    cli: Cli, tmp_path: Path, target: str
) -> None:
    (tmp_path / "run").mkdir()  # no run: the target is looked at before it
    (tmp_path / "file").write_bytes(b"")
    output = tmp_path / target
    line = cli("compile", tmp_path / "run", "-o", output).mistake
    assert line.startswith(f"signbit: error: {output}: ")
    assert "folder" in line
    assert ".tmp" not in line
