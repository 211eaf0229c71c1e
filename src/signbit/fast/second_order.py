"""Gradients that are to be differentiated themselves, as under `create_graph=True`.

The kernels compute numbers, without a graph. Where autograd asks for one (gradients are recorded
while it goes backward), an op's backward goes through the same function in PyTorch's operations and
in the named ones, `signbit::sign` and `signbit::binary_conv2d`, which `signbit.nn` defines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["gradients_with_graph", "wants_graph"]


def wants_graph() -> bool:
    """Whether the backward pass at work is to be differentiated."""
    return torch.is_grad_enabled()


def gradients_with_graph(
    function: Callable[..., Tensor],
    inputs: Sequence[Tensor | None],
    wanted: Sequence[bool],
    grad: Tensor,
) -> tuple[Tensor | None, ...]:
    """The gradient of each wanted input of `function(*inputs)`, from that of its result."""
    # One input may depend on another: as copies of their own, each has its partial derivative.
    own = [None if x is None else x.view_as(x) for x in inputs]
    sought = {i: x for i, x in enumerate(own) if x is not None and wanted[i]}
    found = torch.autograd.grad(
        function(*own), list(sought.values()), grad, create_graph=True, allow_unused=True
    )
    gradients = dict(zip(sought, found, strict=True))
    return tuple(gradients.get(i) for i in range(len(own)))
