"""Mixed precision while training: forward in 16 bits where that is safe, weights in 32.

Autocast decides what is safe; dot products of signs stay exact, as their operations ask for
float32. Evaluation is in float32 throughout, like the network that is compiled.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

__all__ = ["Precision"]

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """`name` on one kind of device; in fp16 losses are scaled, so that small gradients survive.

    A step whose gradients overflow is left out, and the scale halved.
    """

    def __init__(self, name: Literal["fp32", "bf16", "fp16"], device: str) -> None:
        self._dtype = _DTYPES.get(name)
        self._device = device
        self.scaler = torch.amp.GradScaler(device, enabled=name == "fp16")

    def forward(self) -> AbstractContextManager[object]:
        """The context for the forward passes of a step; the loss is computed outside of it."""
        if self._dtype is None:
            return nullcontext()
        return torch.autocast(self._device, self._dtype)
