"""`signbit::binary_unit`: binary convolution, max pool, batch normalisation, shortcut and clip.

    y = clip(gamma · (s·D - mean) / sqrt(var + eps) + beta + shortcut)

where D are dots of signs or, pooled, the largest of each window of dots; mean and variance are the
batch's own. All it keeps for backward is x and y, which the layers around it keep as well: signs
and dots are made again from x, in less than a tenth of a step's time, and the clip's mask and the
normalised values follow from those and from y.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from signbit.ops.layer import Layer, LayerGradients, conv_backward, pixels_of
from signbit.ops.sign_conv import plan_of
from signbit.runtime import _native

__all__ = ["MAX_POOL", "MAX_TAPS", "binary_unit"]

MAX_TAPS = 2**15 - 1
"""Taps of a dot that int16 surely holds."""

MAX_POOL = 15
"""Height and width of a window whose places a byte numbers."""

_SCHEMA = (
    "(Tensor x, Tensor? shift, Tensor weight_signs, Tensor? weight_scale, Tensor gamma,"
    " Tensor beta, Tensor? shortcut, bool add_input, float eps, bool clip, str estimator,"
    " float[] parameters, int[2] stride, int[2] padding, int[2] dilation, int groups, int pool)"
    " -> (Tensor, Tensor)"
)


@torch.library.custom_op("signbit::binary_unit", mutates_args=(), schema=_SCHEMA)
def binary_unit(
    x: Tensor,
    shift: Tensor | None,
    weight_signs: Tensor,
    weight_scale: Tensor | None,
    gamma: Tensor,
    beta: Tensor,
    shortcut: Tensor | None,
    add_input: bool,
    eps: float,
    clip: bool,
    estimator: str,
    parameters: Sequence[float],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    pool: int,
) -> tuple[Tensor, Tensor]:
    """(y, statistics); statistics are those of the dots: mean and variance, (2, out).

    x (N, in, H, W) float32, shift (N, in), weight_signs (out, in / groups, kh, kw) of ±1,
    weight_scale, gamma and beta (out,), shortcut shaped like y or, with `add_input`, x itself;
    `out` is a multiple of 16 and a filter has at most MAX_TAPS taps. Windows of `pool` x `pool`
    dots, 1 to MAX_POOL, touch and do not overlap; weight_scale is positive where they are pooled.
    y is (N, out, H', W') in channels-last memory. Gradients reach x, shift, weight_signs, gamma,
    beta and shortcut.
    """
    d = _dots(x, shift, weight_signs, (stride, padding, dilation), groups, pool, places=False)
    scale = gamma.detach().double() * _deviations(d.variance, weight_scale, eps)
    offset = beta.detach().double() - d.mean * scale
    added = x if add_input else shortcut
    y = torch.empty((len(x), *d.size, len(weight_signs)))
    _native.training.normalise(
        d.dots,
        scale.float(),
        offset.float(),
        None if added is None else pixels_of(added).reshape(d.dots.shape),
        clip,
        y.reshape(d.dots.shape),
        torch.get_num_threads(),
    )
    return y.permute(0, 3, 1, 2), torch.stack((d.mean, d.variance))


class _Dots(NamedTuple):
    signs: Tensor
    """x's, as bits"""
    dots: Tensor
    """int16 (N, pixels, out), pooled"""
    places: Tensor | None
    """Where in its window each of them was, uint8, if asked for and pooled"""
    size: tuple[int, int]
    """Height and width of the pixels"""
    mean: Tensor
    variance: Tensor


def _dots(
    x: Tensor,
    shift: Tensor | None,
    weight_signs: Tensor,
    geometry: Sequence[Sequence[int]],
    groups: int,
    pool: int,
    *,
    places: bool,
) -> _Dots:
    plan = plan_of(x, weight_signs, geometry, groups)
    pixels = pixels_of(x)
    signs = torch.empty((*pixels.shape[:3], plan.sign_bytes), dtype=torch.uint8)
    size = (plan.out_size[0] // pool, plan.out_size[1] // pool)
    shape = (len(x), size[0] * size[1], len(weight_signs))
    dots = torch.empty(shape, dtype=torch.int16)
    where = torch.empty(shape, dtype=torch.uint8) if places and pool > 1 else None
    sums = torch.empty((2, shape[2]), dtype=torch.float64)
    plan.run_with_sums(
        pixels_of(weight_signs),
        pixels,
        None if shift is None else shift.detach().contiguous(),
        signs,
        pool,
        dots,
        where,
        sums,
        torch.get_num_threads(),
    )
    mean, squares = sums / (shape[0] * shape[1])
    variance = (squares - mean.square()).clamp_(min=0)
    return _Dots(signs, dots, where, size, mean, variance)


def _deviations(variance: Tensor, weight_scale: Tensor | None, eps: float) -> Tensor:
    """d normalised / d dots: s / sqrt(s² variance + eps)."""
    if weight_scale is None:
        return (variance + eps).rsqrt_()
    s = weight_scale.detach().double()
    return s * (s.square() * variance + eps).rsqrt_()


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    x, shift, weight_signs, weight_scale, gamma, _, _, *rest = inputs
    (
        ctx.add_input,
        ctx.eps,
        ctx.clip,
        ctx.estimator,
        ctx.parameters,
        *ctx.geometry,
        ctx.groups,
        ctx.pool,
    ) = rest
    y, statistics = output
    ctx.mark_non_differentiable(statistics)
    clipped = y if ctx.clip else None
    ctx.save_for_backward(x, shift, weight_signs, weight_scale, gamma, clipped)


def _backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    x, shift, weight_signs, weight_scale, gamma, y = ctx.saved_tensors
    d = _dots(x, shift, weight_signs, ctx.geometry, ctx.groups, ctx.pool, places=True)
    signs, dots, mean = d.signs, d.dots, d.mean
    threads = torch.get_num_threads()
    gradient = pixels_of(grad)
    flat = gradient.reshape(dots.shape)
    clipped = None if y is None else pixels_of(y).reshape(dots.shape)
    channels = dots.shape[2]
    sums = torch.empty((2, channels), dtype=torch.float64)
    _native.training.sum_gradients(dots, clipped, flat, sums, threads)
    deviations = _deviations(d.variance, weight_scale, ctx.eps)
    of_beta = sums[0]
    of_gamma = deviations * (sums[1] - mean * sums[0])
    count = dots.shape[0] * dots.shape[1]
    by = gamma.detach().double() * deviations
    slope = -by * deviations * of_gamma / count
    offset = -by * of_beta / count - slope * mean
    wants_shortcut = ctx.needs_input_grad[6]
    of_shortcut = torch.empty_like(gradient) if wants_shortcut else None
    norm = _native.training.NormGradient(
        dots,
        ctx.pool,
        d.places,
        clipped,
        flat,
        by.float(),
        slope.float(),
        offset.float(),
        ctx.add_input,
        None if of_shortcut is None else of_shortcut.reshape(dots.shape),
    )
    layer = Layer(x, shift, signs, weight_signs, ctx.estimator, ctx.parameters)
    gradients = LayerGradients(layer)
    conv_backward(x, weight_signs, ctx.geometry).run_normalised(
        norm, *layer.arguments(), gradients.arrays(), threads
    )
    of_x, of_shift, of_weight = gradients.tensors()
    moved = None if of_shortcut is None else of_shortcut.permute(0, 3, 1, 2)
    return (
        *(of_x, of_shift, of_weight, None, of_gamma.float(), of_beta.float(), moved),
        *[None] * 10,
    )


binary_unit.register_autograd(_backward, setup_context=_setup)
