from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.cli.conftest import Cli

from signbit import methods, models


@pytest.mark.slow
def test_an_imported_network_is_a_run(cli: Cli, tmp_path: Path) -> None:
    model = models.build("real-resnet20", methods.get("real"), classes=10, channels=3)
    save_file(model.state_dict(), tmp_path / "x.safetensors")
    run = tmp_path / "run"
    shown = cli("import", "real-resnet20", tmp_path / "x.safetensors", "-o", run, "--json")
    assert shown.figures["network"] == "real-resnet20"
    assert shown.figures["class_count"] == 10
    assert shown.figures["trained_parameters"] == 269_722
    assert "signbit evaluate" in shown.err
    assert cli("inspect", run, "--json").figures["flops"] == 40_551_040


def test_mistakes_are_one_line(cli: Cli, tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.zeros(16, 3, 3, 3)}, tmp_path / "x.safetensors")
    wrong = cli("import", "real-resnet20", tmp_path / "x.safetensors", "-o", tmp_path / "run")
    assert "it has no bn1.weight, which is 16 in this network" in wrong.mistake
    unknown = cli("import", "resnet20", tmp_path / "x.safetensors", "-o", tmp_path / "run")
    assert "real-resnet20" in unknown.mistake
    missing = cli("import", "real-resnet20", tmp_path / "y.safetensors", "-o", tmp_path / "run")
    assert "y.safetensors" in missing.mistake


def test_onnx_files_and_their_options(cli: Cli, tmp_path: Path) -> None:
    from tests.exchange.onnx.reading.graphs import Graph, signs

    graph = Graph((1, 3, 4, 4))
    graph.then("Flatten")
    graph.then("MatMul", signs((48, 5)))
    file, run = graph.save(tmp_path), tmp_path / "run"
    words = ("--mean", "0.5,0.25,0.125", "--std", "0.5")
    shown = cli("import", file, "-o", run, *words, "--json")
    assert shown.figures["origin"] == "model.onnx"
    assert (shown.figures["network"], shown.figures["class_count"]) == ("imported", 5)
    again = cli("import", file, "-o", run)
    assert "holds a run already" in again.mistake
    wrong = cli("import", file, "-o", tmp_path / "x", "--mean", "half")
    assert "--mean must be numbers with commas between, is 'half'" in wrong.mistake
    other = cli("import", "lfc-w1a1-mnist", file, "-o", tmp_path / "x", "--raw-pixels")
    assert "--raw-pixels is for ONNX files" in other.mistake
    missing = cli("import", "lfc-w1a1-mnist", "-o", tmp_path / "x")
    assert "name its file, too" in missing.mistake
    nothing = cli("import", tmp_path / "none.onnx", "-o", tmp_path / "x")
    assert "none.onnx: no such file" in nothing.mistake
    graph.then("Mish")
    refused = cli("import", graph.save(tmp_path), "-o", tmp_path / "x")
    assert "Mish2 (Mish): has no counterpart in signbit" in refused.mistake
    assert not (tmp_path / "x").exists()
