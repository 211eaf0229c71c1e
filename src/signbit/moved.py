"""Module paths that documents and scripts used before the package had rooms lead to the new ones.

Nothing has been released under the old paths, so they go with the first release.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:
    Loader = MetaPathFinder = object  # importlib.abc would double the time of `import signbit`

__all__ = ["MOVED", "install"]

MOVED = {
    "binarizers": "nn.binarizers",
    "binary_ops": "nn.functional",
    "block_order": "nn.block_order",
    "blocks": "nn.blocks",
    "compiler.verify": "compiler.verification.verify",
    "data.images": "data.pixels.images",
    "data.preprocessing": "data.pixels.preprocessing",
    "data.readable": "data.loading.readable",
    "estimators": "nn.estimators",
    "layers": "nn.layers",
    "nonlinearities": "nn.nonlinearities",
    "ops": "fast",
    "published": "exchange.published",
    "rounding": "nn.pixels.stem_rounding",
    "select": "nn.select",
    "selfsup.probe": "selfsup.evaluation.probe",
    "stem": "nn.pixels.pixel_conv",
    "training.run": "training.runs.folder",
    "why": "nn.paths",
}
"""Old path -> new path, both inside `signbit`; what lies in a folder moved with it."""


class _Alias(Loader):
    """Hands out the module that is loaded under its new path."""

    def __init__(self, target: str) -> None:
        self.target = target

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self.target)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has put the alias's there


class _Finder(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        new = _new_path(name)
        if new is None:
            return None
        message = f"{name} is now {new}; the old path goes with the first release"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return ModuleSpec(name, _Alias(new), is_package=True)


def _new_path(name: str) -> str | None:
    package, _, inside = name.partition(".")
    if package != "signbit":
        return None
    for old, new in MOVED.items():
        if inside == old or inside.startswith(f"{old}."):
            return f"signbit.{new}{inside.removeprefix(old)}"
    return None


def install() -> None:
    """Make imports find moved modules.

    First, as a moved folder's files would else be loaded once more under their old names.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
