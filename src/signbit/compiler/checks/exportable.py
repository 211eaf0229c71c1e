"""What a model must be before torch.export is asked to follow it; what it is instead is named."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from signbit.compiler.checks.float32 import stored_by_name
from signbit.errors import CompileError, Refusal

__all__ = ["in_training_mode", "of_training_mode", "require_exportable"]


def require_exportable(model: nn.Module) -> None:
    """Raise CompileError naming each module and tensor that keeps a model from being followed."""
    refusals = list(_refusals(model))
    if refusals:
        raise CompileError(*refusals)


def _refusals(model: nn.Module) -> Iterator[Refusal | str]:
    if model.training:
        yield "the model is in training mode; call model.eval() first"
    for name, module in model.named_modules():
        where = name or "the model"
        if isinstance(module, torch.jit.ScriptModule):
            cure = "compile the module that it was made of"
            yield Refusal(where, "", "is a torch.jit module", cure)
        elif type(module).__module__.startswith(_QUANTISED):
            kind = f"{type(module).__module__}.{type(module).__name__}"
            yield Refusal(where, "", f"is quantised ({kind})", "compile the model before that")
    devices = dict.fromkeys(str(tensor.device) for _, tensor in stored_by_name(model))
    if "meta" in devices:
        names = [name for name, tensor in stored_by_name(model) if tensor.is_meta]
        yield Refusal(names[0], "", "is on the meta device and has no values", "load weights first")
    elif any(torch.device(device).type != "cpu" for device in devices):
        yield "the model is not on the CPU; call model.cpu() first"


_QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized")


def in_training_mode(model: nn.Module) -> list[str]:
    """Paths of the modules in training mode, without those inside another one that is."""
    found: list[str] = []
    for name, module in model.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in found)
        if module.training and not inside:
            found.append(name)
    return found


def of_training_mode(name: str) -> Refusal:
    """The refusal of a module of this path that was left in training mode."""
    return Refusal(name, "", "is in training mode", "call model.eval() before compiling")
