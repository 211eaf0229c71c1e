"""A short recipe on the digits, and a way to train it in a second or two."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from signbit import recipes
from signbit.training.recipe import Recipe


@pytest.fixture(scope="session")
def short_recipe() -> Recipe:
    """SD-BNN on 160 digits for 3 epochs of 5 steps."""
    overrides = ["epochs=3", "train_images=160", "batch_size=32"]
    return recipes.load("sdbnn-digits", overrides)
