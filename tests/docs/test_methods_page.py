"""The code and the recipe on docs/methods.md run as they stand; its table names every method."""

import re
from pathlib import Path

import pytest
import torch
import yaml
from tests.compiler.nets import assert_same_answers, randomise

from signbit import methods, models
from signbit.methods.initial import INITIAL_WEIGHTS
from signbit.training.recipe.parsing import parse_recipe

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "methods.md").read_text("utf-8")
TABLE = PAGE.partition("## The methods")[2].partition("\nEverywhere sign")[0].partition("\n¹")[0]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def invented(monkeypatch):
    """The page's method, registered for one test; the page's own test of it has run."""
    monkeypatch.setattr(methods, "_methods", dict(methods._methods))
    namespace = {}
    for block in blocks("python"):
        exec(block, namespace)
    return namespace


@pytest.mark.slow
def test_the_invented_method_trains_and_compiles_by_the_recipe(invented):
    (text,) = blocks("yaml")
    recipe = parse_recipe(yaml.safe_load(text), "docs/methods.md")
    method = methods.get(recipe.method.name, **recipe.method.params)
    torch.manual_seed(0)
    model = models.build(recipe.network, method, classes=10, channels=1)
    before = {key: p.detach().clone() for key, p in model.named_parameters()}
    optimiser = torch.optim.Adam(model.parameters(), recipe.optimizer.lr)
    method.on_epoch(model, 0, recipe.epochs)
    loss = torch.nn.functional.cross_entropy(model(torch.randn(8, 1, 8, 8)), torch.arange(8))
    loss.backward()
    optimiser.step()
    method.after_step(model)
    assert all(not torch.equal(p, before[key]) for key, p in model.named_parameters())
    assert_same_answers(randomise(model), (8, 8, 1))


def test_the_table_has_every_method():
    rows = re.findall(r"^\| `([\w-]+)` \|", TABLE, re.MULTILINE)
    assert sorted(rows) == methods.names()


def test_every_choice_of_initial_weights_has_a_row():
    rows = re.findall(r"^\| `([\w-]+)` \| (?:N\(|PyTorch)", PAGE, re.MULTILINE)
    assert rows == list(INITIAL_WEIGHTS)
