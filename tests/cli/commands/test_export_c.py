"""`signbit export c`: what it prints and writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bitformat.samples import SAMPLES
from tests.cli.conftest import Cli

from signbit.bitformat import encode


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.sbnn"
    path.write_bytes(encode(*SAMPLES["int16"]()))
    return path


def test_it_says_what_every_node_takes(cli: Cli, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "firmware"
    figures = cli("export", "c", model, "-o", out, "--namespace", "net", "--json").figures
    assert figures["files"] == sorted(path.name for path in out.iterdir())
    assert "net_test.c" in figures["files"]
    nodes = {node["name"]: node for node in figures["nodes"]}
    assert (nodes["conv"]["op"], nodes["conv"]["arithmetic"]) == ("binary_conv", "integers")
    assert nodes["conv"]["operations"] == 5 * 4 * 2 * 9 * 6
    assert f"#define NET_ARENA_BYTES {figures['arena_bytes']}\n" in (out / "net.h").read_text()


def test_people_read_which_parts_are_floats(cli: Cli, model: Path, tmp_path: Path) -> None:
    result = cli("export", "c", model, "-o", tmp_path / "firmware")
    assert result.code == 0
    assert "floats: 1 of 3 nodes" in result.out
    assert "what follows the integer sums of 1 other node;" in result.out
    sums = {line.split()[0]: line for line in result.out.splitlines() if "_conv " in line}
    assert "integers, then floats" in sums["stem"]
    assert "floats" not in sums["conv"]
    assert "cure" not in result.out  # the stem is int16 already
    assert f"next: make -C {tmp_path / 'firmware'} test" in result.err


def test_what_stands_there_is_kept(cli: Cli, model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    assert "--overwrite" in cli("export", "c", model, "-o", tmp_path / "out").mistake
    assert cli("export", "c", model, "-o", tmp_path / "out", "--overwrite").code == 0
    assert (tmp_path / "out" / "mine").read_text() == "mine"


def test_nothing_is_left_of_what_is_refused(cli: Cli, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "identifier" in cli("export", "c", model, "-o", out, "--namespace", "../x").mistake
    model.write_bytes(model.read_bytes()[:-1])
    assert "data_offsets" in cli("export", "c", model, "-o", out).mistake
    assert not out.exists()
