"""The operations of a graph without tensors of their own, by name: functions of values.

Shapes and dimensions count the images as dimension 0, which none of them touches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["FUNCTIONS"]


def _add(a: Tensor, b: Tensor) -> Tensor:
    return a + b


def _subtract(a: Tensor, b: Tensor) -> Tensor:
    return a - b


def _multiply(a: Tensor, b: Tensor) -> Tensor:
    return a * b


def _divide(a: Tensor, b: Tensor) -> Tensor:
    return a / b


def _leaky_relu(x: Tensor, *, slope: float) -> Tensor:
    return F.leaky_relu(x, slope)


def _clip(x: Tensor, *, low: float | None = None, high: float | None = None) -> Tensor:
    return torch.clamp(x, low, high)


def _softmax(x: Tensor, *, dim: int) -> Tensor:
    return torch.softmax(x, dim)


def _max_pool(
    x: Tensor,
    *,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
    ceil: bool = False,
) -> Tensor:
    return F.max_pool2d(x, list(kernel), list(stride), list(padding), list(dilation), ceil)


def _average_pool(
    x: Tensor,
    *,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int] = (0, 0),
    ceil: bool = False,
    count_padding: bool = False,
) -> Tensor:
    return F.avg_pool2d(x, list(kernel), list(stride), list(padding), ceil, count_padding)


def _mean(x: Tensor, *, dims: Sequence[int], keep: bool) -> Tensor:
    return x.mean(list(dims), keepdim=keep)


def _reshape(x: Tensor, *, shape: Sequence[int]) -> Tensor:
    """shape: of one image."""
    return x.flatten(1) if len(shape) == 1 else x.reshape(x.shape[0], *shape)


def _permute(x: Tensor, *, dims: Sequence[int]) -> Tensor:
    return x.permute(list(dims))


def _concatenate(*values: Tensor, dim: int) -> Tensor:
    return torch.cat(values, dim)


def _slice(x: Tensor, *, dim: int, start: int, stop: int, step: int = 1) -> Tensor:
    return x[(*(slice(None),) * dim, slice(start, stop, step))]


def _pad(x: Tensor, *, sides: Sequence[int], value: float = 0.0) -> Tensor:
    """sides: (before, after) of the last dimension, then of the one before it."""
    return F.pad(x, list(sides), value=value)


FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "abs": torch.abs,
    "add": _add,
    "average_pool": _average_pool,
    "clip": _clip,
    "concatenate": _concatenate,
    "divide": _divide,
    "gelu": F.gelu,
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "leaky_relu": _leaky_relu,
    "matmul": torch.matmul,
    "max_pool": _max_pool,
    "mean": _mean,
    "multiply": _multiply,
    "negate": torch.neg,
    "pad": _pad,
    "permute": _permute,
    "relu": torch.relu,
    "reshape": _reshape,
    "sigmoid": torch.sigmoid,
    "slice": _slice,
    "softmax": _softmax,
    "subtract": _subtract,
    "tanh": torch.tanh,
}
"""Name → function of the node's inputs, with the node's arguments as keywords."""
