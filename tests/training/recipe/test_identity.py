"""What of a recipe makes two runs the same: runs from before a key was there go on."""

from __future__ import annotations

from signbit import recipes
from signbit.training.recipe.identity import identity
from signbit.training.recipe.parsing import flat


def test_a_key_that_is_not_set_changes_no_identity() -> None:
    assert {*flat(identity(recipes.load("bnn-digits")))} == {
        "network", "method.name", "data.mean", "data.std", "data.augment.flip",
        "data.augment.crop_padding", "data.resize_shorter_side", "data.interpolation", "epochs",
        "batch_size", "optimizer.name", "optimizer.lr", "optimizer.weight_decay", "schedule",
        "seed", "train_images",
    }  # fmt: skip
