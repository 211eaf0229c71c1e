from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import TRAIN_EXTRA, Cli


def test_figures_without_the_train_extra(fresh_cli: Cli, model_file: Path) -> None:
    figures = fresh_cli(
        "bench", model_file, "--batch", "4", "--threads", "1", "--isa", "scalar", "--runs", "5",
        "--per-node", "--json", blocked=TRAIN_EXTRA,
    ).figures  # fmt: skip
    assert (figures["batch"], figures["threads"], figures["isa"]) == (4, 1, "scalar")
    assert 0 < figures["min_ms"] <= figures["median_ms"] <= figures["max_ms"]
    assert figures["images_per_s"] > 0
    assert {"name", "op", "kernel", "bytes", "ms"} <= set(figures["nodes"][0])


def test_the_table(cli: Cli, model_file: Path) -> None:
    shown = cli("bench", model_file, "--runs", "3", "--per-node")
    assert shown.code == 0
    assert "median_ms" in shown.out
    assert "binary_conv" in shown.out


def test_an_unknown_isa_is_named(cli: Cli, model_file: Path) -> None:
    assert "sse9" in cli("bench", model_file, "--isa", "sse9").mistake


def test_a_missing_model_is_named(cli: Cli, tmp_path: Path) -> None:
    assert "gone.sbnn" in cli("bench", tmp_path / "gone.sbnn").mistake
