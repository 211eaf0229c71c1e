"""Bop, which flips binary weights instead of moving real ones, and optimisers side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["Bop", "SideBySide"]


class Bop(torch.optim.Optimizer):
    """Flips a binary weight where its averaged gradient asks for it long and clearly enough.

    m ← (1 − γ)·m + γ·g;  w ← −w where |m| ≥ τ and m has the sign of w, from m = 0. From the first
    step on every weight is −1 or +1. `lr` is γ, the adaptivity rate, 0 … 1; `threshold` is τ > 0.
    Helwegen, Widdicombe, Geiger, Liu, Cheng, Nusselder 2019, "Latent Weights Do Not Exist:
    Rethinking Binarized Neural Network Optimization", algorithm 1.
    """

    def __init__(self, weights: Iterable[Tensor], lr: float, threshold: float) -> None:
        super().__init__(weights, {"lr": lr, "threshold": threshold})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step; there is nothing to evaluate again, so `closure` must be None."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._flip(weight, group["lr"], group["threshold"])

    def _flip(self, weight: Tensor, rate: float, threshold: float) -> None:
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state["average"] = torch.zeros_like(weight)
        average = state["average"].lerp_(weight.grad, rate)
        signs = 1 - 2 * (weight < 0).to(weight.dtype)
        weight.copy_(torch.where(average * signs >= threshold, -signs, signs))


class SideBySide(torch.optim.Optimizer):
    """Several optimisers over different parameters, as one with their groups and one state."""

    def __init__(self, *parts: torch.optim.Optimizer) -> None:
        self._parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._share()

    def _share(self) -> None:
        """Let the parts work on the groups and the state of the whole."""
        groups = iter(self.param_groups)
        for part in self._parts:
            part.param_groups = [next(groups) for _ in part.param_groups]
            part.state = self.state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state of the whole, from which the parts go on."""
        super().load_state_dict(state_dict)
        self._share()

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """A step of each; there is nothing to evaluate again, so `closure` must be None."""
        assert closure is None
        for part in self._parts:
            part.step()
