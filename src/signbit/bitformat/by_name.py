"""Collects the functions of a folder by the names that its modules give them.

So a new operation, step or mapping is a new file, and no list of files has to be kept.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any

__all__ = ["functions_by_name"]


def functions_by_name(package: str, path: Iterable[str], table: str) -> dict[str, Any]:
    """Name → function, of the dictionary `table` of each module of a package that has one.

    Folders in it count, too. Raises ValueError where two modules have a name in common.
    """
    found: dict[str, Any] = {}
    for module in pkgutil.walk_packages(path, f"{package}."):
        own = {} if module.ispkg else getattr(importlib.import_module(module.name), table, {})
        if both := found.keys() & own.keys():
            raise ValueError(f"{module.name}: {', '.join(sorted(both))} is known already")
        found |= own
    return found
