"""Recipes with `binarize`: a real network's weights in, a binary run out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from signbit import methods, models, recipes
from signbit.errors import RecipeError
from signbit.nn import BinaryConv2d
from signbit.training import Recipe, load_run, train
from signbit.training.recipe.parsing import parse_recipe


def recipe(**changes: object) -> Recipe:
    values = recipes.load("bnn-digits").model_dump(mode="json")
    values |= {"network": "real-resnet20", "method": {"name": "bireal"}, "binarize": {}}
    values |= {"epochs": 1, "train_images": 16, "batch_size": 8}
    return parse_recipe(values | changes, "binarized")


def test_a_real_network_becomes_a_binary_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    real = models.build("real-resnet20", methods.get("real"), classes=10, channels=1)
    save_file(real.state_dict(), tmp_path / "real.safetensors")
    slow = {"optimizer": {"name": "sgd", "lr": 1e-12, "momentum": 0.0, "weight_decay": 0.0}}
    staged = recipe(
        start=str(tmp_path / "real.safetensors"),
        stages=[{"method": {"params": {"binarize": "activations"}}}, {"batch_size": 4}],
        **slow,
    )
    train(staged, None, tmp_path / "run")
    assert "18 of 20 layers are binary" in capfd.readouterr().err
    for folder in (tmp_path / "run" / "stage-1", tmp_path / "run"):
        run = load_run(folder)
        layer = run.model.get_submodule("layer2.1.conv1")
        assert isinstance(layer, BinaryConv2d)
        torch.testing.assert_close(layer.weight, real.get_submodule("layer2.1.conv1").weight)
        assert type(run.model.get_submodule("linear")) is torch.nn.Linear
    kept = recipe(binarize={"keep": ["layer1", "conv1", "linear"]})
    with torch.device("meta"):
        from signbit.training.networks import make_method, network_of

        network = network_of(kept, make_method(kept.method), classes=10, channels=1)
    assert sum(isinstance(module, BinaryConv2d) for module in network.modules()) == 12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "digits"}, "digits with bireal is not that"),
        ({"method": {"name": "real"}}, "real-resnet20 with real is not that"),
        ({"binarize": {"keep": ["layer9"]}}, "no layer is called 'layer9'"),
    ],
)
def test_what_cannot_be_made_binary_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises((RecipeError, ValueError), match=message):
        train(recipe(**changes), None, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
