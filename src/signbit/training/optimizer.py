"""A recipe's optimiser, made for a network."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from signbit.errors import RecipeError
from signbit.training.bop import Bop, SideBySide
from signbit.training.decay import DECAYED
from signbit.training.recipe.sections import Adam, Sgd
from signbit.training.recipe.sections import Bop as BopSection
from signbit.training.reports.signs import binary_weights

__all__ = ["make_optimizer"]


def make_optimizer(chosen: Sgd | Adam | BopSection, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser `chosen` over every parameter of `model`.

    Raises RecipeError where Bop finds no binary weight, or `decay_on` spares nothing or everything.
    """
    if isinstance(chosen, BopSection):
        flipped = [layer.weight for layer in binary_weights(model).values()]
        if not flipped:
            raise RecipeError(
                "optimizer.name=bop flips binary weights, and this network has none; use sgd, adam"
            )
        rest = _gradient_descent(chosen.rest, model, apart=flipped)
        return SideBySide(rest, Bop(flipped, chosen.gamma, chosen.threshold))
    return _gradient_descent(chosen, model, apart=[])


def _gradient_descent(
    chosen: Sgd | Adam, model: nn.Module, apart: list[nn.Parameter]
) -> torch.optim.Optimizer:
    taken = {id(parameter) for parameter in apart}
    parameters = [each for each in model.parameters() if id(each) not in taken]
    groups: list[Any] = parameters
    if chosen.decay_on != "everything":
        decayed = {id(parameter) for parameter in DECAYED[chosen.decay_on](model)}
        groups = [
            {"params": [each for each in parameters if id(each) in decayed]},
            {"params": [each for each in parameters if id(each) not in decayed], "weight_decay": 0},
        ]
        if not all(group["params"] for group in groups):
            raise RecipeError(
                f"optimizer.decay_on={chosen.decay_on} divides the parameters of this network into "
                "all and none; leave it out"
            )
    if isinstance(chosen, Sgd):
        return torch.optim.SGD(
            groups, lr=chosen.lr, momentum=chosen.momentum, weight_decay=chosen.weight_decay
        )
    return torch.optim.Adam(groups, lr=chosen.lr, weight_decay=chosen.weight_decay)
