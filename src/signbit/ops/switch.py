"""Whether layers may use native operations; SIGNBIT_NATIVE_OPS=0 in the environment says no."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from signbit.errors import InputError

__all__ = [
    "applies_to",
    "gradient_dtype",
    "has_hooks",
    "keeps_bits",
    "native_ops",
    "use_native_ops",
]


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


def applies_to(x: Tensor) -> bool:
    """Whether they may be used on x: float32 on a CPU, run at once and not traced or autocast."""
    return (
        _on
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.compiler.is_compiling()
        and not torch.is_autocast_enabled("cpu")
    )


def keeps_bits(module: nn.Module, x: Tensor) -> bool:
    """Whether native operations in the module's place leave all that follows as it would be.

    While it trains that is not asked for. In evaluation the exported graph, which a compiled file
    is checked against, must give the same bits: native results lie in channels-last memory, as
    PyTorch's do where x does; where it does not, sums over an image would run in another order.
    """
    if module.training:
        return True
    return (
        not torch.is_grad_enabled()
        and x.is_contiguous(memory_format=torch.channels_last)
        and not x.is_contiguous()
    )


def has_hooks(module: nn.Module) -> bool:
    """Whether someone wants to be called with the module, which an op in its place would not do."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


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
