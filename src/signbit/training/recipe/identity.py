"""What of a recipe makes two runs the same: every value that changes the numbers."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from signbit.training.recipe import Recipe

__all__ = ["identity", "recipe_digest"]


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 of everything in the recipe that changes the numbers."""
    text = json.dumps(identity(recipe), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


# What runs from before these keys lack; with these values they leave the numbers as they were.
_LATER_KEYS = {
    "sync_batch_norm": True,
    "gradients": "float32",
    "label_smoothing": 0.0,
    "teacher": None,
    "early_stopping": None,
    "label_share": None,
    "selfsup": None,
    "binarize": None,
    "stages": None,
    "precision": "fp32",
    "compile": False,
    "graph": None,
    "method.latent_limit": None,
    "optimizer.decay_on": "everything",
    "data.augment.resized_crop": None,
    "data.augment.cutout": 0,
    "data.augment.colour_jitter": 0.0,
    "data.test_split": "test",
    "data.unreadable": "refuse",
    "data.input_size": None,
    "data.resize_both_sides": None,
    "data.crop_ratio": None,
    "data.letterbox": None,
    "data.antialias": True,
    "data.colours": "rgb",
}


def identity(recipe: Recipe) -> dict[str, Any]:
    """Everything in the recipe that changes the numbers, as JSON values."""
    # Who decodes the images changes nothing, nor where data and weights are: their contents are
    # compared.
    elsewhere: dict[str, Any] = {
        "data": {"source", "workers"},
        "teacher": {"checkpoint"},
        "selfsup": {"guided": {"teacher"}},
    }
    values = recipe.model_dump(
        mode="json", exclude=dict.fromkeys(("description", "license", "start"), True) | elsewhere
    )
    for key, default in _LATER_KEYS.items():
        *path, last = key.split(".")
        section = values
        for part in path:
            section = section[part]
        if last in section and section[last] == default:
            del section[last]
    if recipe.start is not None:
        values["start"] = "weights"
    return values
