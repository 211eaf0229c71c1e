"""Binary convolution, max pool, batch normalisation, shortcut and clip as one step, on a CPU.

    y = clip(gamma · (s·D - mean) / sqrt(var + eps) + beta + shortcut)

where D are dots of signs or, pooled, the largest of each window of dots; mean and variance are the
batch's own, or what a Join makes of them. All it keeps for backward is x and y, which the layers
around it keep as well. Signs and dots are made again from x, in less than a tenth of a step's time.
The clip's mask and the normalised values follow from those and from y.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from signbit.fast.batch_norm import Join
from signbit.fast.layer import SURROGATES
from signbit.fast.memory_format import arranged, conv_is_channels_last, pixels_of
from signbit.fast.second_order import gradients_with_graph, wants_graph
from signbit.fast.switch import gradient_dtype
from signbit.runtime import _native

__all__ = ["MAX_INT16_TAPS", "MAX_POOL", "UnitSettings", "binary_unit"]

MAX_INT16_TAPS = 2**15 - 1
"""The most taps of a dot that surely fits into int16."""

MAX_POOL = 15
"""The largest height and width of a window whose places one byte can number."""

_Sizes = tuple[int, int]


@dataclass(frozen=True)
class UnitSettings:
    """What a unit does, besides its tensors. It has neither dilation nor groups.

    `pool`: windows of `pool` x `pool` dots, which touch; 1 is no pool. `add_input`: x is the
    shortcut, too, which is not possible with a pool.
    """

    stride: _Sizes
    padding: _Sizes
    pool: int
    add_input: bool
    clip: bool
    surrogate: tuple[int, float, float]
    """The activations' estimator, as `surrogate_of` gives it."""


@lru_cache(maxsize=64)
def _plan(
    size: _Sizes,
    channels: _Sizes,
    kernel: _Sizes,
    stride: _Sizes,
    padding: _Sizes,
    pool: int,
    bfloat16: bool,
) -> _native.training.BinaryUnit:
    return _native.training.BinaryUnit(size, channels, kernel, stride, padding, pool, bfloat16)


class _BinaryUnit(torch.autograd.Function):
    # Not a torch.library op, whose calls cost 0.2 ms each in Python; nothing traces training steps.
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        shift: Tensor | None,
        weight_signs: Tensor,
        weight_scale: Tensor | None,
        gamma: Tensor,
        beta: Tensor,
        shortcut: Tensor | None,
        norm: nn.BatchNorm2d,
        settings: UnitSettings,
        join: Join | None,
    ) -> Tensor:
        n, channels, height, width = x.shape
        out, _, *kernel = weight_signs.shape
        ctx.plan = _plan(
            (height, width),
            (channels, out),
            (kernel[0], kernel[1]),
            settings.stride,
            settings.padding,
            settings.pool,
            gradient_dtype() == torch.bfloat16,
        )
        ctx.settings, ctx.eps, ctx.join = settings, norm.eps, join
        y = x.new_empty((n, *ctx.plan.out_size, out))
        statistics = x.new_empty(2 * out + 1, dtype=torch.float64)
        ctx.plan.forward(
            _input(x, shift, weight_signs, weight_scale, gamma, beta, shortcut, settings, norm.eps),
            y,
            statistics,
            norm.running_mean,
            norm.running_var,
            norm.momentum,
            torch.get_num_threads(),
            None if join is None else partial(join.statistics, statistics),
        )
        ctx.channels_last = conv_is_channels_last(x, weight_signs)
        result = arranged(y, ctx.channels_last)
        ctx.save_for_backward(
            *(x, shift, weight_signs, weight_scale, gamma, beta, statistics),
            result if settings.clip else None,
        )
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, shift, weight_signs, weight_scale, gamma, beta, statistics, y = ctx.saved_tensors
        settings: UnitSettings = ctx.settings
        if wants_graph():
            return _gradients_with_graph(ctx, grad)
        n, channels, height, width = x.shape
        out, _, *kernel = weight_signs.shape
        of_x = x.new_empty((n, height, width, channels))
        of_shift = None if shift is None else torch.zeros_like(shift)
        of_weight = x.new_empty((out, *kernel, channels))
        of_gamma, of_beta = x.new_empty((2, out)).unbind()
        sums = torch.empty_like(statistics[:-1])
        gradient = pixels_of(grad)
        added = grad if ctx.needs_input_grad[6] else None
        of_shortcut = None if added is None or y is None else torch.empty_like(gradient)
        ctx.plan.backward(
            _input(x, shift, weight_signs, weight_scale, gamma, beta, None, settings, ctx.eps),
            statistics,
            *settings.surrogate,
            _native.training.UnitGradients(
                *(
                    None if y is None else pixels_of(y),
                    gradient,
                    of_x,
                    of_shift,
                    of_weight,
                    of_gamma,
                    of_beta,
                ),
                of_shortcut,
            ),
            torch.get_num_threads(),
            sums,
            None if ctx.join is None else partial(ctx.join.gradients, sums),
        )
        return (
            arranged(of_x, ctx.channels_last),
            of_shift,
            arranged(of_weight, ctx.channels_last),
            None,
            of_gamma,
            of_beta,
            added if of_shortcut is None else arranged(of_shortcut, ctx.channels_last),
            *[None] * 3,
        )


class _JoinedUnit(_BinaryUnit):
    """Its gradients have none of their own, as those of a normalisation over processes."""

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return _BinaryUnit.backward(ctx, grad)


def _gradients_with_graph(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    """What backward gives, by PyTorch's operations, so that it can be differentiated."""
    x, shift, weight_signs, weight_scale, gamma, beta, _, y = ctx.saved_tensors
    settings: UnitSettings = ctx.settings
    number, *parameters = settings.surrogate
    estimator = SURROGATES[number]

    def normalised(
        x: Tensor, shift: Tensor | None, weight_signs: Tensor, gamma: Tensor, beta: Tensor
    ) -> Tensor:
        moved = x if shift is None else x + shift[:, :, None, None]
        signs = torch.ops.signbit.sign(moved, estimator, parameters)
        operands = (signs, weight_signs, weight_scale, None, None)
        dots: Tensor = torch.ops.signbit.binary_conv2d(
            *operands, settings.stride, settings.padding, (1, 1), 1
        )
        if settings.pool > 1:
            dots = F.max_pool2d(dots, settings.pool)
        return F.batch_norm(dots, None, None, gamma, beta, True, 0.0, ctx.eps)

    of_sum = grad if y is None else grad * (y.detach().abs() < 1)
    wants = ctx.needs_input_grad
    of_x, of_shift, of_weight, of_gamma, of_beta = gradients_with_graph(
        normalised,
        (x, shift, weight_signs, gamma, beta),
        (*wants[:3], *wants[4:6]),
        of_sum,
    )
    if settings.add_input and of_x is not None:
        of_x = of_x + of_sum
    of_shortcut = of_sum if wants[6] else None
    return of_x, of_shift, of_weight, None, of_gamma, of_beta, of_shortcut, *[None] * 3


def _input(
    x: Tensor,
    shift: Tensor | None,
    weight_signs: Tensor,
    weight_scale: Tensor | None,
    gamma: Tensor,
    beta: Tensor,
    shortcut: Tensor | None,
    settings: UnitSettings,
    eps: float,
) -> _native.training.UnitInput:
    return _native.training.UnitInput(
        pixels_of(x),
        None if shift is None else shift.detach().contiguous(),
        pixels_of(weight_signs),
        None if weight_scale is None else weight_scale.detach().contiguous(),
        gamma.detach(),
        beta.detach(),
        None if shortcut is None else pixels_of(shortcut),
        settings.add_input,
        settings.clip,
        eps,
    )


def binary_unit(
    x: Tensor,
    shift: Tensor | None,
    weight_signs: Tensor,
    weight_scale: Tensor | None,
    norm: nn.BatchNorm2d,
    shortcut: Tensor | None,
    settings: UnitSettings,
    join: Join | None = None,
) -> Tensor:
    """y (N, out, H', W'), memory as `nn.Conv2d` gives it; moves norm's running statistics.

    x (N, in, H, W) float32, shift (N, in), weight_signs (out, in, kh, kw) of ±1, weight_scale
    (out,), positive where dots are pooled; norm affine, with running statistics and a momentum;
    the shortcut is shaped like y. `out` is a multiple of 16 and a filter has at most MAX_INT16_TAPS
    taps. With `join` every process calls it equally often, and gradients have no gradients.
    Gradients reach x, shift, weight_signs, the shortcut and norm's weight and bias.
    """
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
    unit = _BinaryUnit if join is None else _JoinedUnit
    result: Tensor = unit.apply(  # type: ignore[no-untyped-call]
        *(x, shift, weight_signs, weight_scale, norm.weight, norm.bias, shortcut),
        *(norm, settings, join),
    )
    return result
