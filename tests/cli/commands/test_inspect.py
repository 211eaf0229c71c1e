from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from tests.bitformat.samples import sample
from tests.cli.conftest import TRAIN_EXTRA, Cli

from signbit.bitformat import encode
from signbit.cli import console
from signbit.cli.tables.layout import lay_out
from signbit.cli.training_view import paths_table
from signbit.nn.paths import LayerPath
from signbit.training import load_run

KEYS = ["parameters", "binary_parameters", "bytes", "bops", "flops", "ops", "layers"]


def test_run_and_file_cost_the_same(cli: Cli, run_folder: Path, model_file: Path) -> None:
    compiled = cli("inspect", model_file, "--json").figures
    trained = cli("inspect", run_folder, "--json").figures
    assert [compiled[key] for key in KEYS] == [trained[key] for key in KEYS]
    assert compiled["bytes"] == model_file.stat().st_size
    assert compiled["source"]["method"] == "sdbnn"


def test_totals_are_the_sums_of_the_layers(cli: Cli, model_file: Path) -> None:
    figures = cli("inspect", model_file, "--json").figures
    layers = figures["layers"]
    for key in ("binary_parameters", "bops", "flops"):
        assert figures[key] == sum(layer[key] for layer in layers)
    real = sum(layer["real_parameters"] for layer in layers)
    assert figures["parameters"] == figures["binary_parameters"] + real
    assert figures["ops"] == figures["flops"] + figures["bops"] / 64


def test_real_layers_say_why(cli: Cli, model_file: Path) -> None:
    layers = cli("inspect", model_file, "--json").figures["layers"]
    assert {layer["kind"] for layer in layers} == {"real", "binary"}
    assert all(bool(layer["why"]) == (layer["kind"] == "real") for layer in layers)
    shown = cli("inspect", model_file)
    assert shown.code == 0
    assert "first layer: reads pixels" in shown.out
    for column in ("BOPs", "FLOPs", "OPs", "bytes"):
        assert column in shown.out


def test_each_layer_with_weights_has_a_line_that_80_columns_hold(
    cli: Cli, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "FILE_WIDTH", 80)
    shown = cli("inspect", model_file).out
    start = shown.index("what is binary")
    lines = shown[start : shown.index("layers (binary", start)].splitlines()
    assert max(map(len, lines)) <= 80
    column = next(line for line in lines if "or real" in line).index("binary")
    found: dict[str, str] = {}
    for line in lines:
        name, kind = line[:column].strip(), line[column:].strip()
        if name:
            found[name] = kind
        elif found:
            found[next(reversed(found))] += f" {kind}"
    for layer in cli("inspect", model_file, "--json").figures["layers"]:
        if layer["weight"]:
            assert found[layer["name"]].strip() == (layer["why"] or layer["kind"])


def test_the_signs_that_a_run_recorded(cli: Cli, run_folder: Path, model_file: Path) -> None:
    signs = cli("inspect", run_folder, "--json").figures["sign_balance"]
    assert [balance["name"] for balance in signs] == ["conv1", "conv2"]
    history = load_run(run_folder).history[-1]
    for balance in signs:
        name = balance["name"]
        assert balance["positive_weights"] == history[f"weights/{name}/mean"]
        assert balance["positive_inputs"] == history[f"inputs/{name}/mean"]
        assert balance["flipped_weights"] == history[f"flips/{name}"]
    shown = cli("inspect", run_folder).out
    assert "signs after the network's epoch" in shown
    assert console.percent(signs[0]["positive_inputs"]) in shown
    # A file has no history.
    assert "sign_balance" not in cli("inspect", model_file, "--json").figures


def test_works_without_the_train_extra(fresh_cli: Cli, model_file: Path) -> None:
    assert fresh_cli("inspect", model_file, "--json", blocked=TRAIN_EXTRA).figures["layers"]


@pytest.mark.parametrize("keep", [0, 7, 500, -1])
def test_a_truncated_file_is_named_and_refused(
    cli: Cli, model_file: Path, tmp_path: Path, keep: int
) -> None:
    broken = tmp_path / "broken.sbnn"
    broken.write_bytes(model_file.read_bytes()[:keep])
    assert "broken.sbnn" in cli("inspect", broken).mistake


def test_a_missing_file_or_run_is_named(cli: Cli, tmp_path: Path) -> None:
    assert "nowhere" in cli("inspect", tmp_path / "nowhere").mistake
    assert "for the name of a network add --method" in cli("inspect", "resnet18").mistake


def test_training_memory_of_a_run(cli: Cli, run_folder: Path) -> None:
    figures = cli("inspect", run_folder, "--training", "--json").figures
    assert figures["kept_bytes"] == sum(each["kept_bytes"] for each in figures["modules"]) > 0
    shown = cli("inspect", run_folder, "--training")
    assert "kept for backward" in shown.out


def test_which_way_the_layers_of_a_run_train(cli: Cli, run_folder: Path) -> None:
    paths = cli("inspect", run_folder, "--training", "--json").figures["paths"]
    units = {path["module"] for path in paths if path["path"] == "unit"}
    assert units == {"stem.0", "conv1", "conv2"}
    shown = cli("inspect", run_folder, "--training")
    assert "how they train on a CPU" in shown.out
    assert all(name in shown.out for name in units)


def test_which_way_layers_train_is_whole_at_80_columns() -> None:
    path = LayerPath(
        "layers.3.1.first.0.a_long_name", "BinaryConv2d", "reference", "its weight has an offset"
    )
    header, rows = lay_out(paths_table([path], compiled=False), 80)
    assert max(map(len, rows)) <= 80
    assert " ".join(header).split() == ["layer", "kind", "path", "why"]
    assert " ".join(" ".join(rows).split()) == " ".join(asdict(path).values())


def test_training_memory_of_a_compiled_network_is_refused(cli: Cli, model_file: Path) -> None:
    assert "needs a run folder" in cli("inspect", model_file, "--training").mistake


def test_a_network_that_nobody_has_trained(cli: Cli) -> None:
    figures = cli("inspect", "vgg-small", "--method", "bnn", "--classes", "10", "--json").figures
    # 32²·128·27 + 8192·10; 9·(32²·128² + 16²·128·256 + 16²·256² + 8²·256·512 + 8²·512²)
    assert figures["flops"] == 3_538_944 + 81_920
    assert figures["bops"] == 603_979_776
    assert figures["binary_parameters"] == 9 * (128**2 + 128 * 256 + 256**2 + 256 * 512 + 512**2)
    # Stem and classifier; a threshold for each normalisation, scale and shift for the last one.
    real = 128 * 27 + 81_920 + 10 + 128 * 2 + 256 * 2 + 512 + 2 * 512
    assert figures["bits"] == figures["binary_parameters"] + 32 * real
    assert figures["source"]["state"] == "untrained"


def test_a_network_needs_its_classes_and_its_name(cli: Cli) -> None:
    assert "--classes 1000" in cli("inspect", "resnet20", "--method", "bnn").mistake
    mistake = cli("inspect", "resnet21", "--method", "bnn", "--classes", "10").mistake
    assert "'resnet21'" in mistake
    assert "real-resnet20" in mistake
    assert "--method" in cli("inspect", "resnet20", "--classes", "10").mistake
    assert "'bnm'" in cli("inspect", "resnet20", "--method", "bnm", "--classes", "10").mistake


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("command", [["inspect"], ["bench", "--runs", "1", "--per-node"]])
def test_a_terminal_shows_every_name_operation_and_reason(
    cli: Cli, model_file: Path, monkeypatch: pytest.MonkeyPatch, width: int, command: list[str]
) -> None:
    monkeypatch.setattr(console, "FILE_WIDTH", width)
    shown = cli(command[0], model_file, *command[1:]).out
    assert max(map(len, shown.splitlines())) <= width
    squeezed = "".join(shown.split())
    for layer in cli("inspect", model_file, "--json").figures["layers"]:
        reason = layer["why"] if layer["weight"] and command == ["inspect"] else ""
        for text in (layer["name"], layer["op"], reason):
            assert "".join(text.split()) in squeezed


def test_notes_of_a_stranger_are_neither_markup_nor_commands_to_a_terminal(
    cli: Cli, tmp_path: Path
) -> None:
    graph, constants = sample()
    source = {"data": "[/] [bold]photos[/bold]\x1b[31m\nsignbit: all is well \u202e"}
    file = tmp_path / "[red]\x1b[2J.sbnn"
    file.write_bytes(encode(replace(graph, source=source), constants))
    shown = cli("inspect", file).out
    assert r"[/] [bold]photos[/bold]\x1b[31m\nsignbit: all is well \u202e" in shown
    assert r"[red]\x1b[2J.sbnn" in shown
    assert "\x1b" not in shown
    file.write_bytes(b"")
    assert r"[red]\x1b[2J.sbnn" in cli("inspect", file).mistake


def test_what_it_is_comes_first(cli: Cli, run_folder: Path, model_file: Path) -> None:
    for path in (run_folder, model_file):
        lines = cli("inspect", path).out.splitlines()
        assert lines[0] == f"{path}: digits by sdbnn after 2 epochs on digits"
        assert "times smaller than its parameters in float32" in lines[1]
        assert "not binary: stem.0 (first layer: reads pixels)" in lines
    lines = cli("inspect", "resnet20", "--method", "bnn", "--classes", "10").out.splitlines()
    assert lines[0] == "resnet20 by bnn (untrained)"
