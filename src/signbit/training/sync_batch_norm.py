"""Batch normalisation over the joined batch of all processes, on any backend (gloo, NCCL).

torch's own SyncBatchNorm refuses CPU tensors. Means and variances are merged in float64 from each
process's count, mean and variance (Chan, Golub, LeVeque 1979), so parts may have unequal sizes.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.parallel import DistributedDataParallel

from signbit.fast.batch_norm import Join
from signbit.nn.select import register_joined_norm
from signbit.training.processes.shared_sums import rows_of_all, sum_over_processes

__all__ = [
    "SyncBatchNorm1d",
    "SyncBatchNorm2d",
    "leave_joined_buffers",
    "synchronize_batch_norm",
]


class _Synchronized(nn.modules.batchnorm._BatchNorm):
    """Gives in training what the plain layer gives for all processes' images in one batch.

    Every process has to call it the same number of times. Raises ValueError where all processes
    together have fewer than two values per channel.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        self._check_input_dim(input)  # type: ignore[no-untyped-call]
        output: Tensor
        output, mean, variance, count = _Normalize.apply(  # type: ignore[no-untyped-call]
            input, self.weight, self.bias, self.eps
        )
        if self.track_running_stats:
            self._track(mean, variance, count)
        return output

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        """Running averages, of the unbiased variance, as nn.BatchNorm keeps them."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = self.momentum
        if momentum is None:  # a plain average over all batches so far
            momentum = 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        unbiased = variance * (count / (count - 1))
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), momentum)


class SyncBatchNorm1d(_Synchronized, nn.BatchNorm1d):
    """nn.BatchNorm1d over all processes' (N, C) or (N, C, L)."""


class SyncBatchNorm2d(_Synchronized, nn.BatchNorm2d):
    """nn.BatchNorm2d over all processes' (N, C, H, W)."""


_SYNCHRONIZED: dict[type[nn.Module], type[_Synchronized]] = {
    nn.BatchNorm1d: SyncBatchNorm1d,
    nn.BatchNorm2d: SyncBatchNorm2d,
}


def synchronize_batch_norm(model: nn.Module) -> nn.Module:
    """Replace every nn.BatchNorm1d and nn.BatchNorm2d inside `model`, in place, and return it.

    Parameters and buffers are the same tensors under the same names: optimisers that hold them
    stay valid, and state dicts fit the plain model too. `model` itself must not be such a layer.
    """
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            replacement = _SYNCHRONIZED.get(type(child))
            if replacement is not None:
                setattr(parent, name, _replaced(child, replacement))
    return model


def _replaced(norm: nn.Module, kind: type[_Synchronized]) -> _Synchronized:
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    result = kind(
        norm.num_features,
        norm.eps,
        norm.momentum,
        norm.affine,
        norm.track_running_stats,
        device="meta",
    )
    result._parameters = norm._parameters
    result._buffers = norm._buffers
    return result.train(norm.training)


def leave_joined_buffers(model: nn.Module) -> None:
    """Let a DistributedDataParallel send no buffers that every process computes by itself.

    These are the statistics of synchronised normalisations. A model with other buffers is left
    alone: process 0 tells everybody all of them before each step.
    """
    if not isinstance(model, DistributedDataParallel):
        return
    holders = [module for module in model.modules() if any(True for _ in module.buffers(False))]
    if all(isinstance(module, _Synchronized) for module in holders):
        model.broadcast_buffers = False


class _Normalize(torch.autograd.Function):
    """x, weight, bias → y and the joined batch's mean, biased variance (C,) and count ()."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        merged_mean, merged_variance, count = _joined_statistics(x)
        # Looking at the joined count stops a GPU, so only where the own part does not suffice.
        if x.numel() < 2 * x.shape[1] and float(count) < 2:
            raise ValueError(
                f"batch normalisation needs two values per channel, got {tuple(x.shape)}"
            )
        kept = torch.promote_types(x.dtype, torch.float32)
        mean, variance = merged_mean.to(kept), merged_variance.to(kept)
        ctx.save_for_backward(x, weight, mean, variance, count)
        ctx.eps = eps
        # With given statistics torch's kernels do the rest, on every device.
        output = F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)
        ctx.mark_non_differentiable(merged_mean, merged_variance, count)
        return output, merged_mean, merged_variance, count

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, gradient: Tensor, *statistics: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        """With x̂ = (x − mean)/σ and averages ⟨·⟩ over the joined batch:

        ∂x = weight/σ · (g − ⟨g⟩ − x̂·⟨g·x̂⟩);  ∂weight = Σ g·x̂,  ∂bias = Σ g over the own part,
        which whoever averages gradients over processes adds up.
        """
        x, weight, mean, variance, count = ctx.saved_tensors
        # Of the eval-mode kernel's gradients, the two that are sums. CUDA's kernel takes their type
        # from a weight, whatever its values, and wants to be told by empty tensors that it saved
        # nothing.
        saved = mean.new_empty(0)
        _, own_dot, own_sum = torch.ops.aten.native_batch_norm_backward(
            gradient, x, mean, mean, variance, saved, saved, False, ctx.eps, [False, True, True]
        )
        sums = torch.cat([own_dot, own_sum]).double()
        sum_over_processes(sums)
        dot, total = (sums / count).to(mean.dtype).chunk(2)
        scale = (variance + ctx.eps).rsqrt()
        if weight is not None:
            scale = scale * weight
        # x̂·(−scale·⟨g·x̂⟩) − scale·⟨g⟩, then + scale·g.
        grad_x = F.batch_norm(
            x, mean, variance, -scale * dot, -scale * total, training=False, eps=ctx.eps
        )
        grad_x.addcmul_(gradient, scale.view(-1, *[1] * (x.dim() - 2)))
        needs = ctx.needs_input_grad
        return (
            grad_x if needs[0] else None,
            own_dot if needs[1] else None,
            own_sum if needs[2] else None,
            None,
        )


def _joined_statistics(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and biased variance (C,) and count () of all processes' values, in float64."""
    channels = x.shape[1]
    table = torch.zeros(2 * channels + 1, dtype=torch.float64, device=x.device)
    if x.numel():
        # Torch's own two passes; the mean and variance of the part, nothing kept.
        mean, variance = torch.ops.aten.batch_norm_update_stats(x, None, None, 0.0)
        table[:channels] = mean
        table[channels:-1] = variance
        table[-1] = x.numel() // channels
    _join_statistics(table)
    return table[:channels].clone(), table[channels:-1].clone(), table[-1].clone()


def _join_statistics(own: Tensor) -> None:
    """Mean and biased variance (C,) and count () of a part, to those of all, in place."""
    channels = len(own) // 2
    means, variances, counts = torch.split(rows_of_all(own), [channels, channels, 1], dim=1)
    total = counts.sum()
    mean = (counts * means).sum(0) / total
    spread = variances + (means - mean).square()
    torch.cat([mean, (counts * spread).sum(0) / total, total.reshape(1)], out=own)


# Native units exchange what the module does, so that a process may do without them by itself.
register_joined_norm(SyncBatchNorm2d, Join(_join_statistics, sum_over_processes))
