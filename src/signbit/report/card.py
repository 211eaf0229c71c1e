"""What a network is, as names and values for people: the card of its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signbit.training.recipe import Recipe

__all__ = ["NOT_STATED", "card_of"]

NOT_STATED = "not stated"


def card_of(
    source: Mapping[str, str],
    recipe: Recipe | None = None,
    facts: Mapping[str, Any] | None = None,
    *,
    license: str | None = None,
) -> dict[str, str]:
    """The notes of a file, and of its run the data, the versions and the commit.

    facts: what run.json holds; without a run they are unknown. license: what others may do with the
    network; by default as the recipe or the file says.
    """
    card = {key: value for key, value in source.items() if key != "license"}
    stated = license or source.get("license")
    if recipe is not None and facts is not None:
        stated = stated or recipe.license
        images, digest = facts.get("train_images"), facts.get("train_digest")
        if images is not None and digest is not None:
            card["training images"] = f"{images:,}; SHA-256 of pixels and labels {digest}"
        card["seed"] = str(recipe.seed)
        versions = dict(facts.get("versions", {}))
        commit = versions.pop("commit", None)
        card["trained with"] = ", ".join(f"{name} {each}" for name, each in versions.items())
        card["commit of signbit"] = str(commit or "not known")
    return {**card, "licence": stated or NOT_STATED}
