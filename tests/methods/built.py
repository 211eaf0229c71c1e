"""Whether two methods are built alike: what declarations of idle parameters are held against."""

from __future__ import annotations

from types import FunctionType

import torch
from torch import Tensor, nn

from signbit.methods.base import Method

_CHANNELS = 512


def built_alike(left: Method, right: Method) -> bool:
    """Whether two methods make the same parts, down to numbers; in doubt they do not."""
    return _same(_parts(left), _parts(right))


def _parts(method: Method) -> list[object]:
    """All that networks and training take from a method, made once, from the same random state."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(0)
        model = nn.ModuleList(
            [
                nn.Conv2d(3, _CHANNELS, 1),
                method.stem_nonlinearity(_CHANNELS),
                method.conv2d(_CHANNELS, 2, 1),
                method.nonlinearity(_CHANNELS),
                method.linear(_CHANNELS, 2),
            ]
        )
        method.initialise(model)
    return [type(method), model, method.latent_limit, method.order]


def _same(left: object, right: object) -> bool:
    """Whether two things are built alike, down to their numbers; in doubt they are not."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return torch.equal(left, right)
    if isinstance(left, FunctionType) and isinstance(right, FunctionType):
        return left.__code__ is right.__code__ and _same(_bound(left), _bound(right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if hasattr(left, "__dict__"):
        return _same(vars(left), vars(right))
    return (left == right) is True


def _bound(function: FunctionType) -> list[object]:
    """What a function carries beside its code."""
    cells = function.__closure__ or ()
    return [function.__defaults__, function.__kwdefaults__, *(cell.cell_contents for cell in cells)]
