"""Wrappers that do a model's work around it (averages of weights, several devices, torch.compile).

What they hold is what is compiled.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["unwrapped"]

_AROUND_MODULE = (AveragedModel, nn.DataParallel, nn.parallel.DistributedDataParallel)


def unwrapped(model: nn.Module) -> nn.Module:
    """The model without wrappers around it and around its parts; itself where there are none.

    Modules that hold a wrapper are copied without their parameters, which both then share; the
    model stays as it is. Paths of modules are as if they had never been wrapped.
    """
    return _unwrapped(model, {})


def _unwrapped(module: nn.Module, done: dict[nn.Module, nn.Module]) -> nn.Module:
    """done: modules that were looked at, as one may be in several places."""
    if module in done:
        return done[module]
    if isinstance(module, torch.jit.ScriptModule):
        return module  # its parts are other objects each time that it is asked for them
    bare = module
    while (inside := _inside(bare)) is not None:
        bare = inside
    parts = {
        name: None if part is None else _unwrapped(part, done)
        for name, part in bare._modules.items()
    }
    if any(parts[name] is not part for name, part in bare._modules.items()):
        bare = copy.copy(bare)
        bare._modules = parts
    done[module] = bare
    return bare


def _inside(module: nn.Module) -> nn.Module | None:
    """What a wrapper holds; None of any other module."""
    # torch.compile is known by its name, as its package takes long to import.
    is_compiled = any(each.__name__ == "OptimizedModule" for each in type(module).__mro__)
    held = module._orig_mod if is_compiled else getattr(module, "module", None)
    is_wrapper = is_compiled or isinstance(module, _AROUND_MODULE)
    return held if is_wrapper and isinstance(held, nn.Module) else None
