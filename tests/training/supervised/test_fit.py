"""A program's own network, images and teacher through `signbit.training.fit`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from signbit import recipes
from signbit.binarizing import binarize
from signbit.errors import CheckpointError, DataError, InputError, RecipeError
from signbit.methods import Method
from signbit.training import Recipe, fit, load_run, train
from signbit.training.recipe.parsing import parse_recipe


class Net(nn.Module):
    """Two convolutions and a classifier, all real."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.norm(self.conv2(x)))
        y: Tensor = self.head(x.mean((2, 3)))
        return y


def squares(count: int = 60) -> tuple[Tensor, Tensor]:
    """Dark and light squares."""
    rng = np.random.default_rng(count)
    labels = np.arange(count) % 2
    images = rng.integers(0, 120, (count, 6, 5)) + 120 * labels[:, None, None]
    return torch.from_numpy(images.astype(np.uint8)), torch.from_numpy(labels)


def recipe(*changes: str) -> Recipe:
    return recipes.load(
        "bnn-digits",
        [
            "method.name=bireal",
            "epochs=2",
            "batch_size=10",
            "data.augment.crop_padding=0",
            *changes,
        ],
    )


def network(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return Net()


def test_a_network_learns_in_place_and_goes_on(tmp_path: Path) -> None:
    whole = binarize(network(), "bireal", input_size=(6, 5, 1), check=False)
    result = fit(whole, squares(), recipe(), tmp_path / "a", test=squares(20), progress=False)
    assert (result.epochs, result.resumed_from) == (2, 0)
    assert result.top1 > 0.9
    assert not whole.training
    again = binarize(network(1), "bireal", input_size=(6, 5, 1), check=False)
    done = fit(again, squares(), recipe(), tmp_path / "a", test=squares(20), progress=False)
    assert done.resumed_from == 2
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    with pytest.raises(CheckpointError, match=r"'own' is not signbit's own; register it in a file"):
        load_run(tmp_path / "a")
    run = load_run(tmp_path / "a", binarize(network(2), "bireal", input_size=(6, 5, 1)))
    assert (run.input_size, run.class_names) == ((6, 5, 1), ("0", "1"))
    with pytest.raises(CheckpointError, match="does not fit"):
        load_run(tmp_path / "a", Net(9))
    with pytest.raises(CheckpointError, match="other training data"):
        fit(whole, squares(40), recipe(), tmp_path / "a", test=squares(20), progress=False)


def test_two_stages_and_a_teacher(tmp_path: Path) -> None:
    real = network()
    fit(real, squares(), recipe("method.name=real"), tmp_path / "real", progress=False)
    values = recipe("method.name=reactnet").model_dump(mode="json")
    values["stages"] = [{"method": {"params": {"binarize": "activations"}}}, {"epochs": 1}]
    staged = parse_recipe(values, "staged")
    seen: list[Method] = []

    def build(method: Method) -> nn.Module:
        seen.append(method)
        return binarize(real, method, input_size=(6, 5, 1), check=False)

    result = fit(build, squares(), staged, tmp_path / "two", teacher=real, progress=False)
    assert result.epochs == 1
    assert (tmp_path / "two" / "stage-1" / "run.json").exists()
    assert len({type(method.weight_binarizer(1)) for method in seen}) == 2
    with pytest.raises(RecipeError, match="give fit a function"):
        fit(real, squares(), staged, tmp_path / "three", progress=False)


def test_a_name_stays_where_it_is_the_networks_own(tmp_path: Path) -> None:
    from signbit import methods, models

    one = recipe("epochs=1", "train_images=20", "method.name=bnn")
    own = models.build("digits", methods.get("bnn"), classes=10, channels=1)
    fit(own, "digits", one, tmp_path / "own", progress=False)
    run = load_run(tmp_path / "own")
    assert run.recipe.network == "digits"
    named = train(one, None, tmp_path / "named", progress=False)
    assert named.history[-1].keys() == run.history[-1].keys()


def test_what_does_not_suit_is_refused(tmp_path: Path) -> None:
    for model, data, message in (
        (Net, squares(), "model must be an nn.Module or make one"),
        (network(), 7, "not int"),
        (lambda method: 3, squares(), "model makes int"),
    ):
        with pytest.raises(InputError, match=message):
            fit(model, data, recipe(), tmp_path / "no", progress=False)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a source has its own"):
        fit(network(), "digits", recipe(), tmp_path / "no", test=squares())
    with pytest.raises(RecipeError, match=r"make it binary first"):
        fit(network(), squares(), recipe("binarize={keep: [conv1]}"), tmp_path / "no")
    with pytest.raises(DataError, match="no such folder"):
        fit(network(), str(tmp_path / "none"), recipe(), tmp_path / "no")
    assert not (tmp_path / "no").exists()
