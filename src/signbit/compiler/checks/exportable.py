"""What a model must be before torch.export is asked to follow it; what it is instead is named."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import nn
from torch.export import ExportGraphSignature
from torch.nn.parameter import is_lazy

from signbit.compiler.checks.float32 import stored_by_name
from signbit.errors import CompileError, Refusal

__all__ = [
    "in_training_mode",
    "of_training_mode",
    "require_exportable",
    "require_module",
    "what_is_written",
]

_OF_PROCESSES = ("torch.distributed.fsdp", "torch.distributed._composable")
_GATHER = (
    "build the network anew, gather the weights (torch.distributed.checkpoint.state_dict."
    "get_model_state_dict with full_state_dict=True), and load them into it"
)
_WRITES = "leave that out in evaluation mode: if self.training: …"
_QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized")


def require_module(model: object) -> None:
    """Raise CompileError where something else than a module is to be compiled."""
    if not isinstance(model, nn.Module):
        kind = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise CompileError(
            f"model: must be a torch.nn.Module in evaluation mode, is {kind}; build the network, "
            "load its weights into it (model.load_state_dict), and pass the network"
        )


def require_exportable(model: nn.Module) -> None:
    """Raise CompileError naming each module and tensor that keeps a model from being followed."""
    refusals = [*_of_modules(model), *_of_tensors(model)]
    if refusals:
        raise CompileError(*refusals)


def _of_modules(model: nn.Module) -> Iterator[Refusal | str]:
    if "eval" in vars(model):  # torch.export forbids it for what it has made
        reason = "was made by torch.export, for the images it was exported with"
        yield Refusal("the model", "", reason, "compile the module that was exported")
    elif model.training:
        yield "the model is in training mode; call model.eval() first"
    inside = ""
    for name, module in model.named_modules():
        kind = f"{type(module).__module__}.{type(module).__name__}"
        if inside and name.startswith(inside):
            continue
        if isinstance(module, torch.jit.ScriptModule):
            reason, cure = "is a torch.jit module", "compile the module that it was made of"
        elif kind.startswith(_QUANTISED):
            reason, cure = f"is quantised ({kind})", "compile the model from before that"
        elif any(each.__module__.startswith(_OF_PROCESSES) for each in type(module).__mro__):
            reason, cure = f"is shared by several processes ({kind})", _GATHER
        else:
            continue
        yield Refusal(name or "the model", "", reason, cure)
        if not name:
            return
        inside = f"{name}."


def _of_tensors(model: nn.Module) -> Iterator[Refusal]:
    for name, tensor in stored_by_name(model):
        if is_lazy(tensor):
            reason, cure = "has no size yet, as a lazy module's", "call the model once on images"
        elif tensor.is_meta:
            reason, cure = "is on the meta device and has no values", "load weights first"
        elif tensor.device.type != "cpu":
            reason, cure = f"is on {tensor.device}, not on the CPU", "call model.cpu() first"
        else:
            continue
        yield Refusal(name, "", reason, cure)


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


def what_is_written(
    signature: ExportGraphSignature, in_training: Collection[str]
) -> Iterator[Refusal]:
    """The refusal of each buffer that is written into, by the module that was left training if so.

    in_training: paths of the modules in training mode.
    """
    for name in signature.buffers_to_mutate.values():
        module = name.rpartition(".")[0]
        written = Refusal(name, "", "is a buffer that the model writes into", _WRITES)
        yield of_training_mode(module) if module in in_training else written
    if signature.user_inputs_to_mutate:
        cure = "write x = x + 1 in place of x += 1"
        yield Refusal("the model", "", "writes into its input", cure)
