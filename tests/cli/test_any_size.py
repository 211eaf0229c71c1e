"""Commands on a file that takes images of any size, and on files that do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.cli.conftest import Cli
from tests.compiler.nets import randomise
from torch import nn

import signbit
from signbit.bitformat.graph import Resize
from signbit.cli.runs import compile_run, deployed
from signbit.compiler import Compiled, compile_model
from signbit.data import open_dataset
from signbit.data.pixels.images import fit
from signbit.nn.layers import BinaryConv2d
from signbit.runtime.photographs import resize_rule


def network() -> nn.Module:
    """Gray images of any size to ten scores."""
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Hardtanh())
    binary = (BinaryConv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16))
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    return randomise(nn.Sequential(*layers, *binary, *head))


def of_digits(*, any_size: bool) -> Compiled:
    return compile_model(
        network(),
        input_size=(8, 8, 1),
        mean=(0.5,),
        std=(0.25,),
        class_names=[str(digit) for digit in range(10)],
        resize_shorter_side=10,
        any_size=any_size,
    )


@pytest.fixture(scope="module")
def free_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("any_size") / "free.sbnn"
    of_digits(any_size=True).save(path)
    return path


@pytest.fixture(scope="module")
def fixed_file(free_file: Path) -> Path:
    path = free_file.with_name("fixed.sbnn")
    of_digits(any_size=False).save(path)
    return path


@pytest.mark.slow
def test_predict_at_another_size(cli: Cli, free_file: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70), dtype=np.uint8)
    Image.fromarray(pixels).save(photo)
    size = ("--input-size", "12", "16")
    figures = cli("predict", free_file, photo, *size, "--top", "10", "--json").figures
    engine = signbit.load(free_file, input_size=(12, 16))
    # 10 for a side of 8 is 20 for one of 16.
    assert resize_rule(engine) == Resize(20)
    logits = engine(fit(pixels[..., None], (12, 16, 1), Resize(20))[None])[0].astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum()
    found = [each["probability"] for each in figures["photos"][0]["classes"]]
    assert found == pytest.approx(sorted(expected, reverse=True))


@pytest.mark.slow
def test_bench_and_evaluate_at_another_size(cli: Cli, free_file: Path) -> None:
    assert cli("bench", free_file, "--runs", "1", "--json").figures["input_size"] == [8, 8]
    size = ("--input-size", "9", "31")
    assert cli("bench", free_file, "--runs", "1", *size, "--json").figures["input_size"] == [9, 31]
    size = ("--input-size", "12", "12")
    figures = cli("evaluate", free_file, "--data", "digits", *size, "--json").figures
    engine = signbit.load(free_file, input_size=(12, 12))
    digits = open_dataset("digits", "test").fitted((12, 12, 1), Resize(15, "bilinear"))
    assert figures["input_size"] == [12, 12]
    right = (engine(digits.images).argmax(1) == digits.labels).mean()
    assert figures["top1"] == pytest.approx(right)


@pytest.mark.slow
def test_inspect_says_which_sizes_a_file_takes(cli: Cli, free_file: Path, fixed_file: Path) -> None:
    for path, is_free in ((free_file, True), (fixed_file, False)):
        figures = cli("inspect", path, "--json").figures
        assert figures["any_size"] is is_free
        assert figures["inputs"] == [
            {
                "name": "image",
                "kind": "image",
                "shape": [8, 8, 1],
                "photographs": "shorter side scaled to 10, the centre cut out; bilinear",
            }
        ]
    assert "--input-size" in cli("inspect", free_file).out


@pytest.mark.slow
@pytest.mark.parametrize("command", ["bench", "predict", "evaluate"])
def test_a_file_of_one_size_says_how_to_get_another(
    cli: Cli, fixed_file: Path, tmp_path: Path, command: str
) -> None:
    Image.new("L", (20, 20)).save(tmp_path / "photo.png")
    more: dict[str, tuple[str | Path, ...]] = {
        "bench": (),
        "predict": (tmp_path / "photo.png",),
        "evaluate": ("--data", "digits"),
    }
    mistake = cli(command, fixed_file, *more[command], "--input-size", "12", "12").mistake
    assert "compile it with --any-size" in mistake


@pytest.mark.slow
@pytest.mark.parametrize("size", [(0, 3), (3, 0), (-4, 3), (16_385, 8)])
def test_sizes_that_no_image_has(cli: Cli, free_file: Path, size: tuple[int, int]) -> None:
    mistake = cli("bench", free_file, "--input-size", *map(str, size)).mistake
    assert "input_size: must be (height, width), two whole numbers from 1 to 16,384" in mistake


@pytest.mark.slow
def test_runs_have_their_own_size(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    mistake = cli("evaluate", run_folder, "--input-size", "12", "12").mistake
    assert "--input-size is for a .sbnn file" in mistake
    target = tmp_path / "model.sbnn"
    mistake = cli("compile", run_folder, "-o", target, "--any-size").mistake
    assert "classifier: works for images of 8×8 alone" in mistake
    assert "nn.AdaptiveAvgPool2d(1)" in mistake
    assert not target.exists()


@pytest.mark.slow
def test_compile_shows_the_other_sizes(
    cli: Cli, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = deployed(run_folder, features=False, probe=None).run
    free = compile_run(replace(run, model=network()), any_size=True)
    monkeypatch.setattr("signbit.cli.runs.compile_run", lambda *_, **__: free)
    target = tmp_path / "model.sbnn"
    arguments = ("compile", run_folder, "-o", target, "--images", "4", "--any-size")
    sizes = cli(*arguments, "--json").figures["sizes"]
    assert len([each for each in sizes if each["agreement"] and each["agreement"]["agrees"]]) >= 3
    shown = cli(*arguments)
    assert "other sizes" in shown.out
    assert signbit.load(target, input_size=(5, 7)).input_shape == (5, 7, 1)
