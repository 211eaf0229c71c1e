"""Names of a package that are looked up at first use, so that importing it stays cheap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["from_modules"]


def from_modules(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """A package's `__getattr__`: each name comes from its home, a module inside the package."""

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{homes[name]}"), name)
        vars(import_module(package))[name] = value
        return value

    return find
