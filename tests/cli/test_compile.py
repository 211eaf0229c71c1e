from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Cli

import signbit
from signbit.errors import InputError


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


def test_an_int16_stem(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.sbnn"
    arguments = ("compile", run_folder, "-o", target, "--images", "60", "--stem", "int16")
    figures = cli(*arguments, "--json").figures
    agreement = figures["agreement"]
    assert agreement["agrees"]
    first = agreement["nodes"][0]
    assert first["op"] == "real_conv"
    assert first["dots"] == 60 * 8 * 8 * 32
    assert first["dots_different"] == 0
    change = figures["int16_stem"]
    assert change["images"] == 60
    assert 0 <= change["changed"] <= 3
    assert abs(change["float32_top1"] - change["int16_top1"]) <= 3 / 60
    assert change["int16_top1"] == agreement["end_to_end"]["pytorch_top1"]
    engine = signbit.load(target)
    assert engine.source["stem"] == "int16"
    assert json.loads(engine.graph_json)["format"] == 2
    with pytest.raises(InputError, match="takes uint8 pixels"):
        engine(np.zeros((1, *engine.input_shape), np.float32))
    # Every command takes the file as any other.
    evaluated = cli("evaluate", target, "--data", "digits", "--json").figures
    assert abs(evaluated["top1"] - cli("evaluate", run_folder, "--json").figures["top1"]) < 0.02
    assert "in int16" in cli("inspect", target).out
    assert cli("bench", target, "--runs", "1").code == 0
    assert "what the int16 stem changed" in cli(*arguments).out


def test_a_float_stem_is_the_default(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / "default.sbnn", tmp_path / "float32.sbnn"]
    for target, stem in zip(files, ([], ["--stem", "float32"]), strict=True):
        figures = cli("compile", run_folder, "-o", target, "--images", "4", *stem, "--json").figures
        assert "int16_stem" not in figures
    assert files[0].read_bytes() == files[1].read_bytes()
    assert json.loads(signbit.load(files[0]).graph_json)["format"] == 1


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
