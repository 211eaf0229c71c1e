"""The card: the file's notes, and of a run its data, versions, commit and licence."""

from __future__ import annotations

from signbit import recipes
from signbit.report import card_of

FACTS = {
    "train_images": 1437,
    "train_digest": "ab" * 32,
    "versions": {"signbit": "0.1.0", "torch": "2.7", "python": "3.11.7", "commit": "c0ffee+"},
}


def test_a_run_s_card_says_what_it_was_trained_on_and_with() -> None:
    recipe = recipes.load("bnn-digits", ["license=CC-BY-4.0", "seed=3"])
    card = card_of({"network": "digits", "license": "CC-BY-4.0"}, recipe, FACTS)
    assert card == {
        "network": "digits",
        "training images": f"1,437; SHA-256 of pixels and labels {'ab' * 32}",
        "seed": "3",
        "trained with": "signbit 0.1.0, torch 2.7, python 3.11.7",
        "commit of signbit": "c0ffee+",
        "licence": "CC-BY-4.0",
    }
    assert card_of({}, recipe, FACTS, license="MIT")["licence"] == "MIT"


def test_what_is_not_known_is_said_so() -> None:
    recipe = recipes.load("bnn-digits")
    card = card_of({}, recipe, {"versions": {"signbit": "0.1.0", "commit": None}})
    assert "training images" not in card
    assert (card["commit of signbit"], card["licence"]) == ("not known", "not stated")
    assert card_of({"method": "bnn"}) == {"method": "bnn", "licence": "not stated"}


def test_a_licence_changes_no_number() -> None:
    from signbit.training.recipe.identity import recipe_digest

    plain, licensed = recipes.load("bnn-digits"), recipes.load("bnn-digits", ["license=MIT"])
    assert recipe_digest(plain) == recipe_digest(licensed)
    assert plain.description == licensed.description
