"""Whether layers may use native operations; SIGNBIT_NATIVE_OPS=0 in the environment says no."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from signbit.errors import InputError

__all__ = ["gradient_dtype", "native_ops", "use_native_ops"]


def _initially() -> bool:
    value = os.environ.get("SIGNBIT_NATIVE_OPS", "1")
    if value not in ("0", "1"):
        raise InputError(f"SIGNBIT_NATIVE_OPS must be 0 or 1, is {value!r}")
    return value == "1"


_on = _initially()
_gradient_dtype = torch.float32


def native_ops() -> bool:
    """Whether layers use native operations where they apply."""
    return _on


def gradient_dtype() -> torch.dtype:
    """What the gradients of native convolutions are rounded to before they are multiplied."""
    return _gradient_dtype


@contextmanager
def use_native_ops(on: bool, gradients: torch.dtype = torch.float32) -> Iterator[None]:
    """Switch native operations on or off, in the whole process, within a `with` block.

    `gradients`: torch.float32, or torch.bfloat16, which rounds a convolution's gradient before it
    meets signs and sums in float32, on CPUs that have that dot product; others raise IsaError when
    they get to it. Raises InputError for another dtype.

    >>> with use_native_ops(False):
    ...     native_ops()
    False
    """
    global _on, _gradient_dtype
    if gradients not in (torch.float32, torch.bfloat16):
        raise InputError(f"gradients must be torch.float32 or torch.bfloat16, not {gradients}")
    before = _on, _gradient_dtype
    _on, _gradient_dtype = on, gradients
    try:
        yield
    finally:
        _on, _gradient_dtype = before
