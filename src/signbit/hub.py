"""Trained networks on the Hugging Face Hub, `hub:OWNER/NAME`, read through huggingface_hub's cache.

`signbit publish` writes a folder as it is there: MODEL is what engines run, WEIGHTS what goes on
being trained.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeGuard

from signbit.errors import MissingExtraError, SignbitError

__all__ = ["MODEL", "WEIGHTS", "hub_file", "is_hub", "require_name"]

MODEL = "model.sbnn"
WEIGHTS = "model.safetensors"

_HUB = "hub:"
_PART = r"(?=.{1,96}(?:[/@]|$))[A-Za-z0-9](?:[A-Za-z0-9_]|[.-](?![.-]))*"
_NAME = re.compile(rf"hub:(?P<name>{_PART}/{_PART})(?:@(?P<revision>[\w.-]+(?:/[\w.-]+)*))?")


def is_hub(source: object) -> TypeGuard[str]:
    """Whether a network is meant by its name on the Hub; a file of such a name is ./hub:…"""
    return isinstance(source, str) and source.startswith(_HUB)


def require_name(source: str, error: type[SignbitError]) -> tuple[str, str | None]:
    """OWNER/NAME and the revision, if there is one, of `hub:OWNER/NAME@REVISION`; else `error`."""
    found = _NAME.fullmatch(source)
    if found is None or ".." in source:
        raise error(
            f"{source!r}: is no name of a network on the Hub; write hub:OWNER/NAME, or "
            "hub:OWNER/NAME@REVISION"
        )
    return found["name"], found["revision"]


def hub_file(source: str, file: str, error: type[SignbitError]) -> Path:
    """Where a file of `hub:OWNER/NAME` or `hub:OWNER/NAME@REVISION` is, downloaded if need be.

    The cache is huggingface_hub's own, which is asked first where there is no network. A revision
    is a branch, a tag or a commit; by default the Hub's newest. Raises `error` for what is no such
    name, and where there is no such network, revision, file or connection; MissingExtraError
    without huggingface_hub.
    """
    name, revision = require_name(source, error)
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as missing:
        raise MissingExtraError.of("huggingface_hub", "a network of the Hub") from missing
    try:
        return Path(hf_hub_download(name, file, revision=revision))
    except (OSError, ValueError) as problem:
        raise error(
            f"{source}: {file} cannot be had ({_reason(problem)}); if the name is right and there "
            "is a network, download it and name the file"
        ) from problem


def _reason(problem: Exception) -> str:
    """What the library says, in one line: the first of what may be many."""
    said = str(problem).strip().partition("\n")[0]
    return f"{type(problem).__name__}: {said}"
