"""A network under torch.compile, whose estimators may change with the epoch all the same.

A graph holds the numbers of Python as constants: an estimator with a schedule would have it
compiled again in every epoch, and after eight of them no more. Its numbers become a tensor instead.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from signbit.nn.estimators import Estimator, scale_gradient, sign

__all__ = ["compiled"]


def compiled(wrapped: nn.Module, model: nn.Module) -> nn.Module:
    """`wrapped`, which calls `model`, compiled at its first call; both share their parameters."""
    # Generated kernels of a GPU cannot read numbers that lie elsewhere.
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    for module in model.modules():
        estimator = getattr(module, "estimator", None)
        if isinstance(estimator, Estimator) and estimator.parameters:
            # A plain attribute of the binarizers.
            cast("_HasEstimator", module).estimator = _ByTensor(estimator, device)
    # Batches have two sizes at most: a graph for each is faster than one for all sizes.
    return cast(nn.Module, torch.compile(wrapped, dynamic=False))


class _HasEstimator(nn.Module):
    estimator: Estimator


class _ByTensor(Estimator):
    """The signs and the surrogate gradient of `inner`, with its parameters in a tensor."""

    def __init__(self, inner: Estimator, device: torch.device) -> None:
        self.name = inner.name
        self._inner = inner
        self._numbers = torch.tensor(inner.parameters, dtype=torch.float64, device=device)

    @property
    def parameters(self) -> tuple[float, ...]:
        """Tensors of one number each, which derivatives compute with as they do with numbers."""
        return cast("tuple[float, ...]", self._numbers.unbind())

    def set_progress(self, epoch: int, epochs: int) -> None:
        """Move `inner`, and the tensor with it."""
        self._inner.set_progress(epoch, epochs)
        self._numbers.copy_(torch.tensor(self._inner.parameters, dtype=torch.float64))

    def __call__(self, x: Tensor) -> Tensor:
        return scale_gradient(sign(x, "identity"), self.derivative(x))
