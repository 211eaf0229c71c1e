"""A run's sign balance as its history has it, and the warning about signs that hardly vary."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from signbit import recipes
from signbit.nn.binarizers import RealWeight
from signbit.nn.layers import BinaryConv2d
from signbit.training import load_run, train
from signbit.training.reports.sign_balance import STUCK, SignBalance, sign_balances, stuck_signs
from signbit.training.reports.signs import SignRecords


def _entry(model: nn.Module) -> dict[str, float]:
    records = SignRecords(model)
    records.start_epoch()
    with torch.no_grad(), records.watching():
        model.eval()(torch.randn(8, 3, 6, 6))
    return {"epoch": 1.0, "train_loss": 0.5, **records.measures(lambda counts: counts)}


def _net(*before: nn.Module, **binarizers: nn.Module) -> nn.Module:
    layer = BinaryConv2d(8, 8, 3, **binarizers)  # type: ignore[arg-type]
    return nn.Sequential(nn.Conv2d(3, 8, 3), *before, nn.Sequential(layer))


@pytest.mark.parametrize("dead", [nn.ReLU(), nn.Sigmoid(), nn.Sequential(nn.ReLU(), nn.ReLU6())])
def test_inputs_of_one_sign_are_named_with_layer_and_cure(dead: nn.Module) -> None:
    assert stuck_signs(_entry(_net(dead))) == [
        "2.0: 100.00% of its input signs are +1, so they say hardly anything; nothing that cuts "
        "one side off, such as nn.ReLU, may stand in front of it"
    ]


def test_weights_of_one_sign() -> None:
    model = _net()
    with torch.no_grad():
        model[1][0].weight.abs_().neg_()
    (line,) = stuck_signs(_entry(model))
    assert line.startswith("1.0: 100.00% of its weight signs are −1")
    assert "begin with weights around 0" in line


def test_signs_that_vary_and_layers_without_any() -> None:
    assert stuck_signs(_entry(_net())) == []
    model = _net(nn.ReLU(), weight_binarizer=RealWeight())
    (found,) = sign_balances(_entry(model))
    assert (found.layer, found.weights, found.inputs, found.flips) == ("2.0", None, 1.0, None)
    assert sign_balances(_entry(nn.Conv2d(3, 4, 3))) == []


@pytest.mark.parametrize("share", [1.0, 0.9991, STUCK, 0.998, 0.5, 0.0011, 0.0009, 0.0])
def test_the_bound(share: float) -> None:
    entry = {"flips/a.b": 0.0, "weights/a.b/mean": 0.5, "inputs/a.b/mean": share}
    assert sign_balances(entry) == [SignBalance("a.b", 0.5, share, 0.0)]
    assert bool(stuck_signs(entry)) == (share > STUCK or share < 1 - STUCK)


def test_training_warns_once_after_the_first_epoch(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Bi-Real Net begins with positive weights; at such a learning rate they stay so."""
    short = ["epochs=2", "train_images=64", "batch_size=32", "optimizer.lr=1e-12"]
    recipe = recipes.load("bnn-digits", [*short, "method={name: bireal}"])
    train(recipe, None, tmp_path / "run", progress=True)
    said = capfd.readouterr().err.splitlines()
    warned = [line for line in said if line.startswith("warning: ")]
    assert [line.split()[1] for line in warned] == ["conv1:", "conv2:"]
    assert all("100.00% of its weight signs are +1" in line for line in warned)
    # Behind the first epoch's line, before the second's.
    places = [said.index(line) for line in warned]
    epochs = [index for index, line in enumerate(said) if line.startswith("epoch ")]
    assert epochs[0] < epochs[1]
    assert max(places) < epochs[1]
    recorded = sign_balances(load_run(tmp_path / "run").history[-1])
    assert [(found.layer, found.weights) for found in recorded] == [("conv1", 1.0), ("conv2", 1.0)]


def test_training_is_silent_where_signs_vary(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    short = ["epochs=1", "train_images=64", "batch_size=32"]
    train(recipes.load("bnn-digits", short), None, tmp_path / "a", progress=True)
    assert "warning" not in capfd.readouterr().err
