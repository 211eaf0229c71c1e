"""A run begins with the weights of a network that tells other classes apart, or of another kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from signbit import methods, models, recipes
from signbit.errors import CheckpointError
from signbit.nn import BinaryConv2d
from signbit.training import load_run, train
from signbit.training.networks import classifier_names
from signbit.training.recipe import Recipe

SLOW = "optimizer={name: sgd, lr: 1e-12, momentum: 0.0, weight_decay: 0.0}"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three classes of seven photographs."""
    for name in ("a", "b", "c"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(7):
            pixels = np.random.randint(0, 256, (20, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path / "photos"


def saved(path: Path, network: str, method: str, classes: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(4)
    model = models.build(network, methods.get(method), classes=classes, channels=3)
    save_file(model.state_dict(), path)
    return model.state_dict()


def recipe(photos: Path, start: Path, *overrides: str) -> Recipe:
    places = [f"data.source={photos}", f"start={start}"]
    short = ["epochs=1", "batch_size=8", "size=32", SLOW]
    return recipes.load("photos", [*places, *short, *overrides])


@pytest.mark.parametrize(
    ("network", "method"), [("resnet20", "adabin"), ("resnet20", "sdbnn"), ("vgg-small", "bnn")]
)
def test_the_classifier_of_other_classes_begins_anew(
    network: str,
    method: str,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = saved(tmp_path / "ten.safetensors", network, method, 10)
    anew = classifier_names(network, methods.get(method), channels=3)
    assert 1 <= len(anew) <= 2
    chosen = recipe(
        photos, tmp_path / "ten.safetensors", f"network={network}", f"method={{name: {method}}}"
    )
    train(chosen, None, tmp_path / "run")
    assert "has other classes, so the classifier begins anew" in capsys.readouterr().err
    found = load_run(tmp_path / "run").model.state_dict()
    for name, value in given.items():
        if name in anew:
            assert found[name].shape[0] == 3
        elif "running" not in name and "batches" not in name:
            torch.testing.assert_close(found[name], value)
    again = train(chosen, None, tmp_path / "run")
    assert again.resumed_from == 1
    assert "begins anew" not in capsys.readouterr().err


def test_of_as_many_classes_it_is_taken(photos: Path, tmp_path: Path) -> None:
    given = saved(tmp_path / "three.safetensors", "resnet20", "adabin", 3)
    train(recipe(photos, tmp_path / "three.safetensors"), None, tmp_path / "run", progress=False)
    found = load_run(tmp_path / "run").model.state_dict()
    torch.testing.assert_close(found["classifier.weight"], given["classifier.weight"])


@pytest.mark.slow
def test_real_weights_with_torchvision_s_names_are_made_binary(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Random ones: those of ImageNet are not to be had here."""
    given = saved(tmp_path / "resnet18.safetensors", "real-resnet18", "real", 1000)
    assert given["layer4.1.conv2.weight"].shape == (512, 512, 3, 3)
    assert given["fc.weight"].shape == (1000, 512)
    chosen = recipe(
        photos,
        tmp_path / "resnet18.safetensors",
        "network=real-resnet18",
        "binarize={}",
        "method={name: reactnet}",
        "size=64",
    )
    train(chosen, None, tmp_path / "run")
    said = capsys.readouterr().err
    assert "has 1000 classes, so the classifier begins anew" in said
    model = load_run(tmp_path / "run").model
    layer = model.get_submodule("layer4.1.conv2")
    assert isinstance(layer, BinaryConv2d)
    torch.testing.assert_close(layer.weight, given["layer4.1.conv2.weight"])
    assert model.get_parameter("fc.weight").shape == (3, 512)
    assert load_run(tmp_path / "run").input_size == (64, 64, 3)


def test_a_start_of_another_kind_is_named_with_what_fits(photos: Path, tmp_path: Path) -> None:
    digits = recipes.load("bnn-digits", ["epochs=1", "train_images=64"])
    train(digits, None, tmp_path / "digits", progress=False)
    with pytest.raises(CheckpointError, match=r"it is of network=digits method\.name=bnn, this"):
        train(recipe(photos, tmp_path / "digits"), None, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
