"""Published configurations as YAML, one file each. No code lives here."""

from signbit.training.recipe.recipe_files import load, names, text

__all__ = ["load", "names", "text"]
