"""The files of a browser's package.

Nothing of the model's text goes into HTML or JavaScript: the page reads names from the model, and
shows them as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import signbit
from signbit.bitformat import decode
from signbit.errors import InputError

__all__ = ["BUILT", "ENGINES", "HERE", "MODEL", "web_package"]

MODEL = "model.sbnn"
ENGINES = ("signbit.wasm", "signbit-scalar.wasm")
"""With SIMD and without; a browser downloads one of them."""

HERE = Path(__file__).parent
BUILT = HERE / "built"
"""Where `make wasm` puts the engines."""

_INDEX = "index.html"
_NO_EXAMPLE = 'data-example=""'
_PICTURES = (".avif", ".gif", ".jpeg", ".jpg", ".png", ".webp")


def web_package(model: bytes, name: str = "model", example: Path | None = None) -> dict[str, bytes]:
    """The files of a package that runs `model`, the bytes of an .sbnn file, by their paths in it.

    `name` becomes the name in package.json, made one that npm allows. `example` is a photograph
    that the page begins with.

    Raises ModelFileError, with the field's name, for a file that cannot be run; InputError where
    the engine for browsers has not been built, or the example is no picture for browsers; OSError
    where it cannot be read.
    """
    decode(model)
    files = {**dict(_engines()), **dict(_own_files())}
    if example is not None:
        suffix = example.suffix.lower()
        if suffix not in _PICTURES:
            raise InputError(f"{example}: browsers show {', '.join(_PICTURES)}; convert it first")
        files[f"example{suffix}"] = example.read_bytes()
        shown = f'data-example="example{suffix}"'
        index = files[_INDEX].decode()
        files[_INDEX] = index.replace(_NO_EXAMPLE, shown, 1).encode()
    files[MODEL] = model
    files["package.json"] = _package_json(name, sorted(files)).encode()
    return files


def _own_files() -> Iterator[tuple[str, bytes]]:
    for file in sorted((HERE / "module").iterdir()):
        yield file.name, file.read_bytes()
    for file in sorted((HERE / "page").iterdir()):
        yield file.name if file.name == _INDEX else f"page/{file.name}", file.read_bytes()


def _engines() -> Iterator[tuple[str, bytes]]:
    for name in ENGINES:
        file = BUILT / name
        if not file.is_file():
            raise InputError(
                "the engine for browsers is not built: run make wasm in signbit's folder (its "
                "tools: make edge-tools)"
            )
        yield name, file.read_bytes()


def _package_json(name: str, files: list[str]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "model"
    package = {
        "name": f"signbit-{slug}"[:200],
        "version": signbit.__version__,
        "description": "A binary network that runs in browsers and in node",
        "type": "module",
        "main": "./signbit.js",
        "types": "./signbit.d.ts",
        "exports": {
            ".": {"types": "./signbit.d.ts", "default": "./signbit.js"},
            "./*": "./*",
        },
        "sideEffects": ["./worker.js", "./page/*.js"],
        "files": files,
    }
    return json.dumps(package, indent=2) + "\n"
