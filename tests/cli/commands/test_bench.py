from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.bitformat.samples import sample_bytes
from tests.cli.conftest import TRAIN_EXTRA, Cli


@pytest.mark.slow
def test_figures_without_the_train_extra(fresh_cli: Cli, model_file: Path) -> None:
    figures = fresh_cli(
        "bench", model_file, "--batch", "4", "--threads", "1", "--isa", "scalar", "--runs", "5",
        "--per-node", "--json", blocked=TRAIN_EXTRA,
    ).figures  # fmt: skip
    assert (figures["batch_size"], figures["threads"], figures["isa"]) == (4, 1, "scalar")
    assert 0 < figures["min_ms"] <= figures["median_ms"] <= figures["max_ms"]
    assert figures["images_per_s"] > 0
    nodes = figures["nodes"]
    assert {"name", "op", "kernel", "bytes", "memory_bytes", "ms", "gmacs_per_s"} <= set(nodes[0])
    judged = {node["op"] for node in nodes if node["share"] is not None}
    assert judged == {"real_conv", "binary_conv"}
    assert all((node["share"] is None) == (node["limit_gmacs_per_s"] is None) for node in nodes)


@pytest.mark.slow
def test_the_table(cli: Cli, model_file: Path) -> None:
    shown = cli("bench", model_file, "--runs", "3", "--per-node")
    assert shown.code == 0
    assert "median_ms" in shown.out
    assert "binary_conv" in shown.out
    assert "share" in shown.out


def test_an_unknown_isa_is_named(cli: Cli, model_file: Path) -> None:
    assert "sse9" in cli("bench", model_file, "--isa", "sse9").mistake


def test_a_missing_model_is_named(cli: Cli, tmp_path: Path) -> None:
    assert "gone.sbnn" in cli("bench", tmp_path / "gone.sbnn").mistake


@pytest.mark.parametrize("batch", [65537, 10**12, 10**22])
def test_an_absurd_batch_is_refused(cli: Cli, tmp_path: Path, batch: int) -> None:
    model = tmp_path / "model.sbnn"
    model.write_bytes(sample_bytes())
    assert "--batch" in cli("bench", model, "--batch", str(batch)).mistake


def test_a_batch_that_memory_cannot_hold_is_refused(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "model.sbnn"
    model.write_bytes(sample_bytes())
    # sample() takes 6 × 6 × 3 bytes per image.
    free = {"SC_AVPHYS_PAGES": 1, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", lambda name: free[name])
    assert cli("bench", model, "--batch", "37", "--runs", "1").code == 0
    line = cli("bench", model, "--batch", "38", "--runs", "1").mistake
    assert "--batch 38" in line
