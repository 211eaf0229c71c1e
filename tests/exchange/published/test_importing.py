"""A published file becomes a run; what does not fit is named by the file's own names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from signbit import methods, models, recipes
from signbit.bitformat.graph import Resize
from signbit.data import open_dataset
from signbit.errors import CheckpointError, InputError
from signbit.exchange import published
from signbit.training import evaluate_model, train
from signbit.training.recipe.sections import Teacher
from signbit.training.runs.folder import RunFolder
from signbit.training.supervised.teacher import open_teacher


@pytest.fixture
def state() -> dict[str, Tensor]:
    """What real-resnet20's publisher calls its tensors: as we do, without counters."""
    model = models.build("real-resnet20", methods.get("real"), classes=10, channels=3)
    return {n: v for n, v in model.state_dict().items() if not n.endswith("num_batches_tracked")}


@pytest.fixture
def file(state: dict[str, Tensor], tmp_path: Path) -> Path:
    path = tmp_path / "resnet20.safetensors"
    save_file(state, path)
    return path


def test_a_run_folder_with_the_file_s_network(
    file: Path, state: dict[str, Tensor], tmp_path: Path
) -> None:
    run = published.import_network("real-resnet20", file, tmp_path / "run", data="somewhere")
    assert (run.recipe.network, run.recipe.method.name) == ("real-resnet20", "real")
    assert run.recipe.data.source == str(Path("somewhere").absolute())
    assert run.class_names[:2] == ("airplane", "automobile")
    assert run.input_size == (32, 32, 3)
    assert (run.epoch, run.history) == (0, [])
    assert not run.model.training
    loaded = run.model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in state.items())
    facts = RunFolder(run.path).facts()
    assert facts["imported"]["name"] == "real-resnet20"
    assert len(facts["imported"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer1.0.conv2.weight": None}, "has no layer1.0.conv2.weight, which is 16×16×3×3"),
        ({"linear.weight": torch.zeros(10, 65)}, "linear.weight is 10×65 there and 10×64"),
        ({"fc.bias": torch.zeros(3)}, "has fc.bias, 3, which is not in this network"),
    ],
)
def test_the_first_difference_is_named(
    state: dict[str, Tensor], change: dict[str, Tensor | None], message: str, tmp_path: Path
) -> None:
    changed = {name: value for name, value in {**state, **change}.items() if value is not None}
    save_file(changed, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError) as caught:
        published.import_network("real-resnet20", tmp_path / "x.safetensors", tmp_path / "run")
    assert message in str(caught.value)
    assert "x.safetensors as real-resnet20" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_files_and_folders_that_do_not_do(file: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nothing\.safetensors: no such file"):
        published.import_network("real-resnet20", tmp_path / "nothing.safetensors", tmp_path / "a")
    (tmp_path / "pickle.pth").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(CheckpointError, match=r"pickle\.pth: a pickle, and pickles are not opened"):
        published.import_network("real-resnet20", tmp_path / "pickle.pth", tmp_path / "a")
    published.import_network("real-resnet20", file, tmp_path / "a")
    with pytest.raises(CheckpointError, match="holds a run already"):
        published.import_network("real-resnet20", file, tmp_path / "a")


def test_classes_come_from_images_where_the_file_has_none(tmp_path: Path) -> None:
    model = models.build("real-resnet18", methods.get("real"), classes=10, channels=3)
    save_file(model.state_dict(), tmp_path / "x.safetensors")
    with pytest.raises(InputError, match="add --data"):
        published.import_network("real-resnet18", tmp_path / "x.safetensors", tmp_path / "run")
    run = published.import_network(
        "real-resnet18", tmp_path / "x.safetensors", tmp_path / "run", data="digits"
    )
    assert run.class_names == tuple("0123456789")
    assert run.resize == Resize(256)


def test_training_goes_on_from_it_in_another_folder(file: Path, tmp_path: Path) -> None:
    run = published.import_network("real-resnet20", file, tmp_path / "run", data="digits")
    with pytest.raises(CheckpointError, match=r"holds an imported network; .* start="):
        train(run.recipe, None, run.path, progress=False)
    overrides = ["data.mean=[0.5,0.5,0.5]", "data.std=[0.5,0.5,0.5]", "train_images=32"]
    further = recipes.load("real-resnet20-cifar10", [*overrides, f"start={run.path}", "epochs=1"])
    assert train(further, "digits", tmp_path / "further", progress=False).epochs == 1


def test_it_can_teach(file: Path, tmp_path: Path) -> None:
    run = published.import_network("real-resnet20", file, tmp_path / "run")
    teacher = open_teacher(Teacher(checkpoint=str(run.path)), run.class_names, run.preprocessing)
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(teacher(x), run.model(x))


def test_a_published_network_scores_as_published(shared_data: Path, tmp_path: Path) -> None:
    """On all 10,000 of these images: 82.56 %."""
    file = shared_data / "weights/resnet32-cifar10-real.safetensors"
    run = published.import_network("real-resnet32", file, tmp_path / "run")
    assert torch.equal(run.model.state_dict()["conv1.weight"], load_file(file)["conv1.weight"])
    images = open_dataset(shared_data / "data/cifar10", "test").take(np.arange(0, 10_000, 40))
    measured = evaluate_model(run.model, images, run.preprocessing)
    assert abs(measured.top1 - 0.8256) < 3 * (0.8256 * 0.1744 / 250) ** 0.5
