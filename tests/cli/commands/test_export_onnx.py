"""`signbit export onnx`: the file is whole, and what its runtime says is said, or that none is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

onnx = pytest.importorskip("onnx")


@pytest.mark.parametrize("form", ["plain", "qonnx", "openvino"])
def test_a_file_is_written(cli: Cli, run_folder: Path, tmp_path: Path, form: str) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"an older file")
    arguments = ("export", "onnx", run_folder, "-o", target, "--form", form, "--images", "12")
    figures = cli(*arguments, "--keep", "conv1", "--json").figures
    assert list(tmp_path.iterdir()) == [target]
    assert (figures["form"], figures["bytes"]) == (form, target.stat().st_size)
    outputs = onnx.load(target).graph.output
    assert [output.name for output in outputs] == ["logits", "conv1"]
    assert figures["check"] is None or figures["check"]["agrees"]


def test_its_runtime_is_asked(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    said = cli("export", "onnx", run_folder, "-o", tmp_path / "model.onnx", "--images", "12")
    assert said.code == 0
    assert "PyTorch's top class on 12 of 12 images; PyTorch without oneDNN: on 12" in said.out
    assert "ONNX Runtime " in said.out
    assert "top-1 " in said.out


def test_without_its_runtime_the_file_is_written(
    cli: Cli, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "qonnx", None)
    target = tmp_path / "model.onnx"
    said = cli("export", "onnx", run_folder, "-o", target, "--form", "qonnx", "--images", "3")
    assert said.code == 0
    assert said.out.splitlines()[-1] == "not checked: QONNX is not installed"
    assert "install the package qonnx" in said.err
    assert target.is_file()


def test_what_cannot_be_written_is_said_first(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "gone" / "model.onnx"
    assert "there is no folder" in cli("export", "onnx", run_folder, "-o", target).mistake
    target = tmp_path / "model.onnx"
    refused = cli("export", "onnx", run_folder, "-o", target, "--keep", "conv9")
    assert "conv9" in refused.mistake
    assert not list(tmp_path.iterdir())
    assert "RUN" in cli("export", "onnx", target, "-o", target).mistake
