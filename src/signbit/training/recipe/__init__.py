"""Recipes: YAML in, validated data out. Nothing here imports torch but `idle_keys`."""

from signbit.training.recipe.recipe import Recipe

__all__ = ["Recipe"]
