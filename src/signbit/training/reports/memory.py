"""How much memory training keeps between forward and backward, by layer, as measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

from signbit.errors import InputError
from signbit.nn.module_state import unchanged
from signbit.nn.select import may_miss_calls

__all__ = ["Kept", "kept_for_backward"]


@dataclass(frozen=True)
class Kept:
    """What one module keeps: `bytes` of memory that no module before it keeps already.

    `module` is its dotted name in the network, `kind` its class. Parts that a native operation does
    together are shown as the module that holds them.
    """

    module: str
    kind: str
    bytes: int


def kept_for_backward(model: nn.Module, images: Tensor) -> list[Kept]:
    """What autograd holds after `model`, in training mode, has seen `images` (N, C, H, W).

    In the order of the modules' first call; each piece of memory counts once, for the first module
    that keeps it; parameters, buffers and the images themselves do not count, as they are there
    anyway. The model's mode and buffers are left as they were. Raises InputError for no images.
    """
    if len(images) == 0:
        raise InputError("kept_for_backward needs at least one image")
    names = {module: name for name, module in model.named_modules()}
    own = [*model.parameters(), *model.buffers(), images]
    seen = {tensor.untyped_storage().data_ptr() for tensor in own}
    kept: dict[nn.Module, int] = {}
    calls = [model]

    # What an op does in a module's place is what it keeps: no module runs for the measurement.
    @may_miss_calls
    def enter(module: nn.Module, args: Any) -> None:
        calls.append(module)

    @may_miss_calls
    def leave(module: nn.Module, args: Any, output: Any) -> None:
        calls.pop()

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            kept[calls[-1]] = kept.get(calls[-1], 0) + storage.nbytes()
        return tensor

    with unchanged(model):
        model.train()
        hooks = [
            register_module_forward_pre_hook(enter),
            register_module_forward_hook(leave, always_call=True),
        ]
        try:
            with torch.enable_grad(), saved_tensors_hooks(pack, lambda tensor: tensor):
                result = model(images)  # held, or what it keeps would be freed and counted twice
        finally:
            for hook in hooks:
                hook.remove()
        del result
    return [
        Kept(names[module], type(module).__name__, count)
        for module, count in kept.items()
        if module in names
    ]
