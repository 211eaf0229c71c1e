"""A model in another precision than float32, as what the engine computes in: exactly, or refused.

Half and bfloat16 numbers are float32 numbers, so that such a model's parameters convert exactly; of
double ones that is looked at. What is rounded differently afterwards is the model's arithmetic: a
file answers as `model.float()` does.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from signbit.errors import CompileError, Refusal

__all__ = ["in_float32", "stored_by_name"]

_CONVERT = "call model.float() first, and evaluate what that gives"


def in_float32(model: nn.Module) -> tuple[nn.Module, str]:
    """The model and "", or its copy in float32 and a sentence that says so.

    Raises CompileError naming each parameter and buffer that has no float32 of its value, or where
    the model cannot be copied.
    """
    others = [
        (name, tensor)
        for name, tensor in stored_by_name(model)
        if tensor.is_floating_point() and tensor.dtype != torch.float32
    ]
    if not others:
        return model, ""
    refused = []
    for name, tensor in others:
        lost = int((tensor.detach().float().to(tensor.dtype) != tensor.detach()).sum())
        if lost and bool(tensor.isfinite().all()):
            reason = (
                f"{lost} of its {tensor.numel()} values in {_short(tensor.dtype)} are no float32 "
                "numbers, which the engine computes in"
            )
            refused.append(Refusal(name, "", reason, _CONVERT))
    if refused:
        raise CompileError(*refused)
    try:
        converted = copy.deepcopy(model).float()
    except Exception as error:  # of a module of anyone's, which raises what it likes
        raise CompileError(
            f"{others[0][0]}: is {_short(others[0][1].dtype)}, and the model cannot be copied to "
            "float32; call model.float() first"
        ) from error
    kinds = " and ".join(sorted({_short(tensor.dtype) for _, tensor in others}))
    return converted, (
        f"parameters in {kinds} were converted to float32, without a change of value: the file "
        "answers as model.float() does, which rounds otherwise than the model itself"
    )


def stored_by_name(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers, those that a state dict leaves out too."""
    return itertools.chain(model.named_parameters(), model.named_buffers())


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
