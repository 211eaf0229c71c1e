"""Every entry names a network that builds, and names that are all different."""

from __future__ import annotations

import pytest

from signbit import recipes
from signbit.errors import InputError
from signbit.exchange import published
from signbit.exchange.published import Published, table
from signbit.training.networks import build_network, make_method

NAMED = {
    name: entry for name in published.names() if isinstance(entry := published.get(name), Published)
}


@pytest.mark.parametrize("name", NAMED)
def test_every_entry_describes_a_network(name: str) -> None:
    entry = NAMED[name]
    recipe = recipes.load(entry.recipe, entry.overrides)
    classes = 1000 if entry.class_names is None else len(entry.class_names)
    method = make_method(recipe.method)
    model = build_network(recipe.network, method, classes=classes, channels=3)
    ours = list(model.state_dict())
    assert len({entry.their_name(each) for each in ours}) == len(ours)
    modules = {path for path, _ in model.named_modules()}
    assert set(entry.modules) <= modules
    inside = {each.removeprefix(f"{path}.") for path in entry.modules for each in ours}
    assert set(entry.parameters) <= inside


def test_an_unknown_name_is_refused_with_the_choices() -> None:
    with pytest.raises(InputError, match=r"'resnet20'.*real-resnet18, .*real-resnet56"):
        published.get("resnet20")


def test_a_name_of_one_s_own_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_table", {})
    entry = Published(source="me", recipe="bnn-digits")
    published.register("mine", entry)
    assert published.get("mine") is entry
    with pytest.raises(InputError, match="'mine' is registered already"):
        published.register("mine", entry)
