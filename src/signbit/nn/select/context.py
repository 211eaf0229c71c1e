"""Rules about every call: what surrounds it, and that its tensors are plain ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.utils._python_dispatch import _get_current_dispatch_mode

from signbit.fast.switch import native_ops

__all__ = ["Reason", "context", "evaluation", "plain_tensor"]

Reason = str | None
"""Why a native op may not stand in; None where it may."""


def context(x: Tensor) -> Reason:
    """Why no native op may be called here on x, which has to be a plain float32 tensor on a CPU."""
    if not native_ops():
        return "native ops are switched off"
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return "it is being compiled, exported or traced"
    if torch.is_autocast_enabled("cpu"):
        return "autocast is on"
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "a transformation of torch.func is at work"
    if forward_ad._current_level >= 0:
        return "forward-mode derivatives are being computed"
    if _get_current_dispatch_mode() is not None or torch._C._len_torch_function_stack():
        return "a torch mode watches or changes operations"
    return plain_tensor("the input", x)


def plain_tensor(name: str, x: Tensor | None) -> Reason:
    if type(x) is not Tensor and type(x) is not nn.Parameter:
        return f"{name} is a {type(x).__name__}, no plain tensor"
    if not x.is_cpu or x.dtype is not torch.float32:
        return f"{name} is {str(x.dtype)[6:]} on {x.device}; native ops know float32 on a CPU"
    if x.layout is not torch.strided or x.is_neg():
        return f"{name} does not lie in memory as plain numbers"
    return None


def evaluation(module: nn.Module, x: Tensor | None) -> Reason:
    """Why a native op may not evaluate `module` on x.

    A compiled file is checked against evaluation, bit for bit, so gradients are left to PyTorch.
    Outside of channels-last memory the op would copy its result once more than PyTorch does.
    """
    if module.training or x is None:
        return None
    if torch.is_grad_enabled():
        return "it is evaluated with gradients, which is PyTorch's"
    if x.is_contiguous() or not x.is_contiguous(memory_format=torch.channels_last):
        return "in evaluation its input has to be channels-last"
    return None
