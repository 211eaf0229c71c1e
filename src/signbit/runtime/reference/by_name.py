"""Collects the functions of a folder by the names that its modules give them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any

__all__ = ["functions_by_name"]


def functions_by_name(package: str, path: Iterable[str], table: str) -> dict[str, Any]:
    """Name → function, of the dictionary `table` of every module of a package.

    So a new operation or step is one new file, and no list of files has to be kept.
    """
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(path):
        found |= getattr(importlib.import_module(f"{package}.{module.name}"), table)
    return found
