"""What is no path, no model and no data is refused by its name, wherever it is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import signbit
from signbit import recipes
from signbit.compiler import compile_model
from signbit.data import open_dataset
from signbit.errors import SignbitError
from signbit.selfsup import pretrain
from signbit.training import evaluate_model, load_run, train


def _compiled() -> Any:
    model = nn.Sequential(nn.Conv2d(3, 4, 4), nn.Flatten()).eval()
    return compile_model(model, input_size=4, mean=0.5, std=0.25)


GIVEN: dict[str, Callable[[Any], object]] = {
    "path": lambda given: _compiled().save(given),
    "source": signbit.load,
    "run folder": load_run,
    "recipe": recipes.load,
    "source of images": lambda given: open_dataset(given, "train"),
    "run folder to write": lambda given: train(recipes.load("bnn-digits"), None, given),
    "recipe to train": lambda given: train(given, None, "nowhere"),
    "recipe to learn from": lambda given: pretrain(given, None, "nowhere"),
    "model": lambda given: compile_model(given, input_size=8, mean=0.5, std=0.5),
    "model to evaluate": lambda given: evaluate_model(given, given, given),
    "dataset": lambda given: evaluate_model(nn.Identity(), given, given),
}


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("given", [None, 3, ["a"], "a\0b"], ids=repr)
def test_what_is_of_another_type_is_named(
    name: str, given: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SignbitError) as caught:
        GIVEN[name](given)
    said = str(caught.value)
    # A recipe's name is no path, so that it may have any character.
    assert "null character" in said or said.startswith((name.split()[0], "no recipe 'a\\x00b'"))
    assert not list(tmp_path.iterdir())


def test_bytes_are_a_path(tmp_path: Path) -> None:
    _compiled().save(bytes(tmp_path / "m.sbnn"))
    assert signbit.load(tmp_path / "m.sbnn").input_shape == (4, 4, 3)
