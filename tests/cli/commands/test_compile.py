from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.cli.conftest import START, Cli

import signbit
from signbit.bitformat import decode
from signbit.cli import console
from signbit.errors import InputError


def test_compares_both_sides_and_replaces_the_file(
    cli: Cli, run_folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "model.sbnn"
    target.write_bytes(b"an older file")
    arguments = ("compile", run_folder, "-o", target, "--images", "40")
    figures = cli(*arguments, "--keep", "conv1", "--json").figures
    assert figures["bytes"] == target.stat().st_size
    assert [each.name for each in signbit.load(target).outputs] == ["logits", "conv1"]
    assert figures["binary_parameters"] > figures["parameters"] / 2
    agreement = figures["agreement"]
    assert agreement["agrees"]
    assert agreement["end_to_end"]["images"] == 40
    assert set(agreement["near"]) == {"signs", "images", "answers_changed"}
    binary = [node for node in agreement["nodes"] if node["op"] == "binary_conv"]
    assert binary
    assert all(node["dots"] and node["dots_different"] == 0 for node in binary)
    assert list(tmp_path.iterdir()) == [target]
    assert signbit.load(target).class_names == [str(digit) for digit in range(10)]


def test_the_tables(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    arguments = ("compile", run_folder, "-o", tmp_path / "model.sbnn", "--images", "4")
    titles = ("layers (", "node by node", "end to end", "signs next to their threshold")
    for option in ("--details", "--verbose"):
        shown = cli(*arguments, option)
        assert shown.code == 0
        assert all(title in shown.out for title in titles)
    shown = cli(*arguments)
    assert shown.code == 0
    assert not any(title in shown.out for title in titles)
    assert "--details" in shown.err


def test_the_verdict_comes_first(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.sbnn"
    lines = cli("compile", run_folder, "-o", target, "--images", "4").out.splitlines()
    size = console.compact(target.stat().st_size, "B")
    assert lines[0].startswith(f"{target}: {size}, ")
    assert "times smaller than its parameters in float32" in lines[0]
    assert lines[1].startswith("agrees with PyTorch at each of its ")
    assert lines[2].startswith("same top class on 4 of 4 images; top-1 ")
    assert any(line.startswith("binary: 2 of 8 layers, ") for line in lines)
    assert "not binary: stem.0 (first layer: reads pixels)" in lines


def test_a_disagreement_is_the_verdict_and_has_its_table(
    cli: Cli, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signbit.compiler.verification.agreement.REAL_TOLERANCE", -1.0)
    shown = cli("compile", run_folder, "-o", tmp_path / "model.sbnn", "--images", "4")
    assert shown.code == 1
    assert shown.out.splitlines()[1].startswith("DISAGREES with PyTorch at ")
    assert "node by node" in shown.out
    assert "disagree on some nodes" in shown.err


def test_a_check_lists_what_cannot_be_compiled(
    cli: Cli, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checked = cli("compile", run_folder, "--check")
    assert (checked.code, checked.out) == (0, f"{run_folder}: can be compiled\n")
    refused = cli("compile", run_folder, "--check", "--allow-real", "conv1", "--json")
    assert refused.code == 1
    (refusal,) = json.loads(refused.out)["refused"]
    assert refusal["reason"] == "allow_real: 'conv1' is no layer that lost its signs"
    assert refusal["cure"] == "this model has none"
    shown = cli("compile", run_folder, "--check", "--any-size", "--allow-real", "conv1").out
    assert shown.startswith(f"{run_folder}: 2 things about this model cannot be compiled")
    assert "allow_real: 'conv1' is no layer" in shown
    assert "AdaptiveAvgPool2d(1)" in shown
    assert not list(tmp_path.iterdir())
    for words in ((), ("--check", "-o", "m.sbnn")):
        assert "-o MODEL.sbnn names the file" in cli("compile", run_folder, *words).mistake


def test_what_cannot_be_written_is_found_before_anything_is_computed(
    cli: Cli, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signbit.cli.runs.compile_run", lambda *_, **__: pytest.fail("compiled"))
    monkeypatch.setattr("signbit.files._PATIENCE", 0.0)
    os.mkfifo(tmp_path / "pipe")
    mistake = cli("compile", run_folder, "-o", tmp_path / "pipe").mistake
    assert "pipe: nothing reads it; start its reader first" in mistake
    full = SimpleNamespace(f_frsize=1, f_bavail=999, f_bfree=999, f_blocks=10_000)
    monkeypatch.setattr("os.statvfs", lambda _: full)
    mistake = cli("compile", run_folder, "-o", tmp_path / "m.sbnn").mistake
    assert "m.sbnn: needs 8,365 bytes or more" in mistake
    assert "its disk has 999 left" in mistake


def test_a_line_for_each_layer(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    arguments = ("compile", run_folder, "-o", tmp_path / "model.sbnn", "--images", "4")
    layers = cli(*arguments, "--json").figures["layers"]
    kinds = {layer["name"]: layer["why"] or layer["kind"] for layer in layers if layer["weight"]}
    assert kinds["conv1"] == kinds["conv2"] == "binary"
    assert kinds["stem.0"] == "first layer: reads pixels"
    shown = cli(*arguments, "--details").out
    for name, kind in kinds.items():
        assert any(name in line and kind in line for line in shown.splitlines())


def test_a_layer_that_need_not_be_allowed(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.sbnn"
    allowed = ("--allow-real", "conv1", "--allow-real", "conv2")
    mistake = cli("compile", run_folder, "-o", target, *allowed).mistake
    assert "'conv1' is no layer that lost its signs; this model has none" in mistake
    assert not target.exists()


@pytest.mark.slow
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
    assert 0 <= change["disagreements"] <= 3
    assert abs(change["float32_top1"] - change["int16_top1"]) <= 3 / 60
    assert change["int16_top1"] == agreement["end_to_end"]["pytorch_top1"]
    engine = signbit.load(target)
    assert engine.source["stem"] == "int16"
    assert decode(target.read_bytes())[1]["0"].dtype == np.int16
    with pytest.raises(InputError, match="takes uint8 pixels"):
        engine(np.zeros((1, *engine.input_shape), np.float32))
    # Every command takes the file as any other.
    evaluated = cli("evaluate", target, "--data", "digits", "--json").figures
    assert abs(evaluated["top1"] - cli("evaluate", run_folder, "--json").figures["top1"]) < 0.02
    assert "in int16" in cli("inspect", target).out
    assert cli("bench", target, "--runs", "1").code == 0
    assert "what the int16 stem changed" in cli(*arguments, "--details").out
    words = (
        f"the int16 stem changed the top class, or largest feature, of {change['disagreements']}"
    )
    assert words in cli(*arguments).out


@pytest.mark.slow
def test_statistics_are_estimated_anew(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.sbnn"
    arguments = ("compile", run_folder, "-o", target, "--images", "60", "--stem", "int16")
    plain = cli(*arguments, "--json").figures
    arguments = (*arguments, "--renew-statistics", "500")
    figures = cli(*arguments, "--json").figures
    assert figures["agreement"]["agrees"]
    assert figures["int16_stem"] == plain["int16_stem"]
    renewed = figures["int16_stem_renewed"]
    assert renewed["float32_top1"] == figures["int16_stem"]["float32_top1"]
    assert renewed["int16_top1"] == figures["agreement"]["end_to_end"]["pytorch_top1"]
    assert renewed["median_cosine"] != figures["int16_stem"]["median_cosine"]
    assert signbit.load(target).source["statistics"] == "renewed on 500 images"
    words = "with statistics estimated anew the int16 stem changed the top class, or largest"
    assert words in cli(*arguments).out
    assert "in PyTorch, with statistics estimated anew" in cli(*arguments, "--details").out


def test_a_temperature_is_fitted_and_kept(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    plain, sure = tmp_path / "plain.sbnn", tmp_path / "sure.sbnn"
    assert cli("compile", run_folder, "-o", plain).code == 0
    options = ["--calibrate", "300", "--none-below", "0.4"]
    figures = cli("compile", run_folder, "-o", sure, *options, "--json").figures
    found = figures["calibration"]
    output = signbit.load(sure).outputs[0]
    assert output.temperature == np.float32(found["temperature"]) > 0
    assert output.least_probability == np.float32(0.4)
    assert found["images"] == 300
    assert 0 <= found["error_after"] < 1
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1)).astype(np.uint8)
    np.testing.assert_array_equal(signbit.load(sure)(images), signbit.load(plain)(images))
    assert "calibrated" in signbit.load(sure).source
    told = cli("compile", run_folder, "-o", sure, *options).out
    assert f"temperature {found['temperature']:.3g}, fitted on 300 images" in told


@pytest.mark.parametrize("options", [("--calibrate", "20"), ("--none-below", "0.5")])
def test_confidence_is_about_the_classes_of_a_file(
    cli: Cli, run_folder: Path, tmp_path: Path, options: tuple[str, str]
) -> None:
    model = tmp_path / "a.sbnn"
    for rest, why in (
        (("-o", model, "--features"), "--features has none"),
        (("--check",), "--check writes no file"),
    ):
        shown = cli("compile", run_folder, *rest, *options)
        assert shown.code != 0
        assert f"{options[0]} is about the classes of a file, and {why}" in shown.err
    assert not model.exists()


def test_a_least_probability_alone(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "a.sbnn"
    assert cli("compile", run_folder, "-o", model, "--none-below", "0.9").code == 0
    output = signbit.load(model).outputs[0]
    assert (output.temperature, output.least_probability) == (1, np.float32(0.9))
    shown = cli("compile", run_folder, "-o", model, "--none-below", "1")
    assert shown.code != 0
    assert "--none-below: must be from 0 to below 1, is 1" in shown.err


@pytest.mark.parametrize("others", [("-o", "m.sbnn"), ("--check", "--stem", "int16")])
def test_statistics_are_for_a_rounded_stem(
    cli: Cli, run_folder: Path, others: tuple[str, ...]
) -> None:
    mistake = cli("compile", run_folder, *others, "--renew-statistics", "9").mistake
    assert "--renew-statistics is for a network whose stem is rounded" in mistake


@pytest.mark.slow
def test_a_float_stem_is_the_default(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / "default.sbnn", tmp_path / "float32.sbnn"]
    for target, stem in zip(files, ([], ["--stem", "float32"]), strict=True):
        figures = cli("compile", run_folder, "-o", target, "--images", "4", *stem, "--json").figures
        assert "int16_stem" not in figures
    assert files[0].read_bytes() == files[1].read_bytes()
    dtypes = {constant.dtype for constant in decode(files[0].read_bytes())[1].values()}
    assert np.dtype(np.int16) not in dtypes


@pytest.mark.slow
def test_features_alone(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "features.sbnn"
    arguments = ("compile", run_folder, "--features", "-o", target, "--images", "40")
    agreement = cli(*arguments, "--json").figures["agreement"]
    assert agreement["agrees"]
    assert agreement["end_to_end"]["median_cosine"] > 0.99999
    assert agreement["end_to_end"]["engine_top1"] is None
    engine = signbit.load(target)
    assert engine.class_names == []
    assert engine.source["output"] == "features"
    # This network flattens its last map: the file yields the map.
    assert engine(np.zeros((2, 8, 8, 1), np.uint8)).shape == (2, 4, 4, 64)
    shown = cli(*arguments, "--stem", "int16", "--details").out
    assert "median cosine of the features, engine" in shown
    assert "what the int16 stem changed" in shown
    assert "top-1" not in shown
    # No command takes the features for scores, and the others work on the file.
    for command in (["evaluate", target, "--data", "digits"], ["predict", target, target]):
        assert "gives features of an image, not scores" in cli(*command).mistake
    assert "features" in cli("inspect", target).out
    assert cli("bench", target, "--runs", "1", "--per-node").code == 0


def test_a_backbone_and_its_probe(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    probe, target = tmp_path / "probe", tmp_path / "model.sbnn"
    probed = cli("probe", run_folder, "--epochs", "5", "--out", probe, "--json").figures
    arguments = ("compile", run_folder, "--probe", probe, "-o", target)
    agreement = cli(*arguments, "--images", "40", "--json").figures["agreement"]
    assert agreement["agrees"]
    assert agreement["end_to_end"]["engine_top1"] is not None
    engine = signbit.load(target)
    assert engine.class_names == [str(digit) for digit in range(10)]
    assert engine.source["probe"] == "digits"
    evaluated = cli("evaluate", target, "--data", "digits", "--json").figures
    assert abs(evaluated["top1"] - probed["top1"]) <= 1 / 362
    assert "keep one" in cli(*arguments, "--features").mistake


def test_a_probe_of_another_run_is_refused(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    probe, other = tmp_path / "probe", tmp_path / "other"
    assert cli("probe", run_folder, "--epochs", "1", "--out", probe).code == 0
    short = ("epochs=1", "train_images=64", "batch_size=32")
    assert cli("train", "bnn-digits", "--out", other, *short).code == 0
    target = tmp_path / "model.sbnn"
    line = cli("compile", other, "--probe", probe, "-o", target).mistake
    assert "another backbone (digits," in line
    assert "not a probe's folder" in cli("compile", other, "--probe", other, "-o", target).mistake
    assert not target.exists()


def test_the_split_can_be_named(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    arguments = ("compile", run_folder, "-o", tmp_path / "m.sbnn", "--data", "digits", "--split")
    assert cli(*arguments, "train", "--images", "4").code == 0
    assert "validation" in cli(*arguments, "validation").mistake


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


@pytest.mark.parametrize("shown_as", [[], ["--json"]])
def test_a_file_on_stdout_has_it_to_itself(
    run_folder: Path, model_file: Path, shown_as: list[str]
) -> None:
    command = ["compile", str(run_folder), "-o", "/dev/stdout", "--images", "8", *shown_as]
    done = subprocess.run([sys.executable, "-c", START, *command], capture_output=True, check=True)
    assert done.stdout == model_file.read_bytes()
    assert b"agree" in done.stderr
