"""BNN-PYNQ's CNV and LFC: PyTorch and the engine give the sums of their authors' arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import signbit
from signbit.cli.runs import compile_run
from signbit.data import open_dataset
from signbit.data.pixels.transforms import to_unit
from signbit.errors import CheckpointError, RecipeError
from signbit.exchange import published
from signbit.training import evaluate_model, load_run, train
from signbit.training.runs.folder import Run
from subjects.cnv_network import cnv_sums

Array = npt.NDArray[Any]
CNV, LFC = "cnv-w1a1-cifar10", "lfc-w1a1-mnist"


def file_of(name: str, shared_data: Path) -> Path:
    return shared_data / "weights" / f"{name}.safetensors"


def lfc_scores(weights: Path, images: Array) -> Array:
    """The last layer's sums less its thresholds, (N, 10): images (N, 28, 28, 1) of uint8."""
    tensors = {name: value.numpy().astype(int) for name, value in load_file(weights).items()}
    x = np.where(images.reshape(len(images), -1) >= 128, 1, -1)
    for name in ("0.fc1", "1.fc2", "2.fc3", "3.fc4"):
        sums = x @ tensors[f"{name}.signs"].T - tensors[f"{name}.thresholds"]
        x = np.where(sums >= 0, 1, -1)
    return sums


ORACLES = {CNV: cnv_sums, LFC: lfc_scores}


def every_pixel(run: Run, count: int) -> Array:
    """Images in which every value of a pixel occurs."""
    shape = (count, *run.input_size)
    values = np.resize(np.arange(256, dtype=np.uint8), int(np.prod(shape)))
    return np.random.default_rng(0).permutation(values).reshape(shape)


@pytest.mark.parametrize("name", [CNV, LFC])
def test_sums_are_the_authors(name: str, shared_data: Path, tmp_path: Path) -> None:
    file = file_of(name, shared_data)
    run = published.import_network(name, file, tmp_path / "run")
    images = every_pixel(run, 5)
    expected = ORACLES[name](file, images)
    with torch.no_grad():
        scores = run.model(to_unit(torch.from_numpy(images)))
    np.testing.assert_array_equal(scores.numpy(), expected)
    compiled = compile_run(run)
    for isa in signbit.cpu_isas():
        np.testing.assert_array_equal(signbit.load(compiled.data, isa=isa)(images), expected)
    assert {node.op for node in compiled.graph.nodes[-4:]} == {"binary_conv"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "count", "right"), [(CNV, "cifar10", 10_000, 7447), (LFC, "mnist", 3000, 2928)]
)
def test_they_score_as_measured(
    name: str, data: str, count: int, right: int, shared_data: Path, tmp_path: Path
) -> None:
    file = file_of(name, shared_data)
    run = published.import_network(name, file, tmp_path / "run")
    images = open_dataset(shared_data / "data" / data, "test").take(np.arange(count))
    fitted = run.preprocessing.fit(images)
    scores = signbit.load(compile_run(run).data)(fitted.images)
    assert int((scores.argmax(1) == fitted.labels).sum()) == right
    some = slice(0, count, 50)
    np.testing.assert_array_equal(scores[some], ORACLES[name](file, fitted.images[some]))
    measured = evaluate_model(run.model, images.take(np.arange(0, count, 50)), run.preprocessing)
    assert measured.top1 == float((scores[some].argmax(1) == fitted.labels[some]).mean())


@pytest.mark.slow
def test_training_goes_on_from_its_own_recipe(shared_data: Path, tmp_path: Path) -> None:
    run = published.import_network(LFC, file_of(LFC, shared_data), tmp_path / "run")
    changes = {"start": str(run.path), "epochs": 1, "train_images": 256}
    recipe = run.recipe.model_copy(update=changes)
    result = train(recipe, shared_data / "data/mnist", tmp_path / "on", progress=False)
    assert result.top1 > 0.9
    on = load_run(tmp_path / "on")
    assert [*on.model.state_dict()] == [*run.model.state_dict()]
    assert not torch.equal(on.model.fc1.weight, run.model.fc1.weight)
    graph = run.recipe.graph.model_copy(update={"classes": 3})
    other = recipe.model_copy(update={"graph": graph})
    with pytest.raises(RecipeError, match=r"has 10 classes, the imported network tells 3 apart"):
        train(other, "digits", tmp_path / "x", progress=False)


def small() -> dict[str, Tensor]:
    """Two layers of such a network for digits of 28×28."""
    signs = torch.where(torch.arange(3 * 784) % 3 == 0, -1, 1).to(torch.int8).reshape(3, 784)
    return {
        "0.fc1.signs": signs,
        "0.fc1.thresholds": torch.tensor([1, -2, 0], dtype=torch.int32),
        "1.fc2.signs": signs[:2, :3].contiguous(),
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(1)}, "has x, which is no tensor of such a network"),
        ({"0.fc1.signs": torch.zeros(3, 784)}, "0.fc1.signs must hold −1 and \\+1"),
        ({"0.fc1.signs": torch.ones(3, 700)}, r"0.fc1.signs is \(3, 700\), but it reads \(784,\)"),
        ({"0.fc1.signs": None}, "0.fc1.thresholds fits no signs"),
        ({"0.fc1.thresholds": None}, "0.fc1.thresholds is missing"),
        ({"0.fc1.thresholds": torch.zeros(4)}, "0.fc1.thresholds fits no signs"),
        ({"0.fc1.thresholds": torch.full((3,), 2**25)}, "beyond ±2"),
        ({"3.fc3.signs": torch.ones(2, 2)}, r"numbered from 0, are \[0, 1, 3\]"),
        ({"0.fc2.thresholds": torch.zeros(3)}, "has 0.fc2.thresholds, which is no tensor"),
        ({"1.fc2.signs": None, "1.fc1.signs": torch.ones(2, 3)}, "two of its layers have one name"),
    ],
)
def test_other_files_are_refused(
    change: dict[str, Tensor | None], message: str, tmp_path: Path
) -> None:
    tensors = {name: each for name, each in {**small(), **change}.items() if each is not None}
    save_file(tensors, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match=message):
        published.import_network(LFC, tmp_path / "x.safetensors", tmp_path / "run")
    assert not (tmp_path / "run").exists()
