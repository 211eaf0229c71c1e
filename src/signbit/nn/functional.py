"""The named operations `signbit::binary_conv2d`, `signbit::binary_conv_transpose2d` and
`signbit::binary_linear`, which every method reaches the compiler by: `torch.export` keeps them.

Operands are an activation s + δ of signs s and a weight scale[c]·w + offset[c] of signs w:

    y = scale[c]·D + offset[c]·S + δ·(scale[c]·W + offset[c]·N)

D is the dot of the signs, S the sum of the signs in the window of a filter's group, W the sum of
the filter's signs, and N their number. All are taken over the taps inside the image. They are
integers, exact in float32, before reals come in. A tap outside the image adds nothing: padding puts
0 where δ would be, too.

Either operand may hold reals instead of signs, where a network binarizes only the other; the same
formula then holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from signbit.fast.border import border_of
from signbit.nn.binarizers.weights import BinaryWeight, per_filter

__all__ = ["Pair", "binary_conv2d", "binary_conv_transpose2d", "binary_linear"]

Pair = tuple[int, int]

_OPERANDS = (
    "Tensor signs, Tensor weight_signs, Tensor? scale, Tensor? weight_offset, Tensor? input_offset"
)


def _conv_forward(
    signs: Tensor,
    weight_signs: Tensor,
    scale: Tensor | None,
    weight_offset: Tensor | None,
    input_offset: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    def conv(x: Tensor, weight: Tensor, groups: int) -> Tensor:
        return F.conv2d(x, weight, None, list(stride), list(padding), list(dilation), groups)

    return _product(conv, signs, weight_signs, scale, weight_offset, input_offset, groups)


def _product(
    conv: Callable[[Tensor, Tensor, int], Tensor],
    signs: Tensor,
    weight_signs: Tensor,
    scale: Tensor | None,
    weight_offset: Tensor | None,
    input_offset: Tensor | None,
    groups: int,
) -> Tensor:
    """y of the operands, where conv(x, weight, groups) is a convolution, or a transposed one."""
    # The scale multiplies the finished dot product, an exact integer: one rounding.
    y = conv(signs, weight_signs, groups)
    if scale is not None:
        y.mul_(scale.reshape(-1, 1, 1))
    window = weight_signs.new_ones(groups, 1, *weight_signs.shape[2:])
    if weight_offset is not None:
        sums = conv(torch.unflatten(signs, 1, (groups, -1)).sum(2), window, groups).unsqueeze(2)
        torch.unflatten(y, 1, (groups, -1)).add_(weight_offset.reshape(groups, -1, 1, 1) * sums)
    if input_offset is not None:
        operands = (weight_signs, scale, weight_offset, input_offset)
        y.add_(border_of(conv, *operands, signs.shape[2:]))
    return y


_binary_conv2d = torch.library.custom_op(
    "signbit::binary_conv2d",
    _conv_forward,
    mutates_args=(),
    schema=f"({_OPERANDS}, int[2] stride, int[2] padding, int[2] dilation, int groups) -> Tensor",
)
_binary_conv2d.register_fake(_conv_forward)


def _transposed_forward(
    signs: Tensor,
    weight_signs: Tensor,
    scale: Tensor | None,
    weight_offset: Tensor | None,
    input_offset: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    geometry = list(stride), list(padding), list(output_padding)

    def conv(x: Tensor, weight: Tensor, groups: int) -> Tensor:
        return F.conv_transpose2d(x, _by_input(weight, groups), None, *geometry, groups)

    return _product(conv, signs, weight_signs, scale, weight_offset, input_offset, groups)


def _by_input(weight: Tensor, groups: int) -> Tensor:
    """Filters (out, in / groups, kh, kw) as PyTorch has transposed ones, (in, out / groups, …)."""
    return torch.unflatten(weight, 0, (groups, -1)).transpose(1, 2).flatten(0, 1)


_binary_conv_transpose2d = torch.library.custom_op(
    "signbit::binary_conv_transpose2d",
    _transposed_forward,
    mutates_args=(),
    schema=f"({_OPERANDS}, int[2] stride, int[2] padding, int[2] output_padding, int groups)"
    " -> Tensor",
)
_binary_conv_transpose2d.register_fake(_transposed_forward)


def _linear_forward(
    signs: Tensor,
    weight_signs: Tensor,
    scale: Tensor | None,
    weight_offset: Tensor | None,
    input_offset: Tensor | None,
) -> Tensor:
    y = F.linear(signs, weight_signs)
    if scale is not None:
        y.mul_(scale)
    if weight_offset is not None:
        y.add_(weight_offset * signs.sum(-1, keepdim=True))
    if input_offset is not None:
        of_ones = weight_signs.sum(1)
        if scale is not None:
            of_ones.mul_(scale)
        if weight_offset is not None:
            of_ones.add_(weight_offset, alpha=weight_signs.shape[1])
        y.add_(input_offset * of_ones)
    return y


_binary_linear = torch.library.custom_op(
    "signbit::binary_linear", _linear_forward, mutates_args=(), schema=f"({_OPERANDS}) -> Tensor"
)
_binary_linear.register_fake(_linear_forward)

_COUNT = 5
"""How many operands there are; they alone get gradients."""


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:_COUNT])
    ctx.geometry = inputs[_COUNT:]


def _real_operands(operands: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The activation s + δ and the weight scale·w + offset that the operands stand for."""
    x, weight, scale, weight_offset, input_offset = operands
    if input_offset is not None:
        x = x + input_offset
    if scale is not None:
        weight = weight * per_filter(scale, weight)
    if weight_offset is not None:
        weight = weight + per_filter(weight_offset, weight)
    return x, weight


def _wants_real(wants: Sequence[bool]) -> tuple[bool, bool]:
    """Whether a gradient of the real activation and of the real weight is needed."""
    return wants[0] or wants[4], any(wants[1:4])


def _operand_gradients(
    operands: Sequence[Tensor], wants: Sequence[bool], of_x: Tensor | None, of_weight: Tensor | None
) -> list[Tensor | None]:
    """The operands' gradients, from those of the real activation and weight by the chain rule.

    A gradient that nobody wants is None.
    """
    _, weight_signs, scale, _, input_offset = operands
    gradients: list[Tensor | None] = [None] * _COUNT
    if of_x is not None:
        gradients[0] = of_x if wants[0] else None
        gradients[4] = of_x.sum().reshape(input_offset.shape) if wants[4] else None
    if of_weight is not None:
        if wants[1]:
            gradients[1] = of_weight if scale is None else of_weight * per_filter(scale, of_weight)
        if wants[2]:
            gradients[2] = (of_weight * weight_signs).flatten(1).sum(1)
        if wants[3]:
            gradients[3] = of_weight.flatten(1).sum(1)
    return gradients


def _conv_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    operands, wants = ctx.saved_tensors, ctx.needs_input_grad
    stride, padding, dilation, groups = ctx.geometry
    of_x, of_weight, _ = torch.ops.aten.convolution_backward(
        *(grad, *_real_operands(operands), None, stride, padding, dilation, False, [0, 0], groups),
        [*_wants_real(wants), False],
    )
    return (*_operand_gradients(operands, wants, of_x, of_weight), *[None] * len(ctx.geometry))


def _transposed_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    operands, wants = ctx.saved_tensors, ctx.needs_input_grad
    stride, padding, output_padding, groups = ctx.geometry
    x, weight = _real_operands(operands)
    of_x, by_input, _ = torch.ops.aten.convolution_backward(
        *(grad, x, _by_input(weight, groups), None, stride, padding, [1, 1], True, output_padding),
        *(groups, [*_wants_real(wants), False]),
    )
    of_weight = None if by_input is None else _by_input(by_input, groups)
    return (*_operand_gradients(operands, wants, of_x, of_weight), *[None] * len(ctx.geometry))


def _linear_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    operands, wants = ctx.saved_tensors, ctx.needs_input_grad
    x, weight = _real_operands(operands)
    wants_x, wants_weight = _wants_real(wants)
    of_x = grad @ weight if wants_x else None
    of_weight = grad.flatten(0, -2).t() @ x.flatten(0, -2) if wants_weight else None
    return tuple(_operand_gradients(operands, wants, of_x, of_weight))


_binary_conv2d.register_autograd(_conv_backward, setup_context=_setup)
_binary_conv_transpose2d.register_autograd(_transposed_backward, setup_context=_setup)
_binary_linear.register_autograd(_linear_backward, setup_context=_setup)

for _device in ("cpu", "cuda"):
    # Under autocast too: a dot product is an integer, and bfloat16 holds those only up to 256.
    _binary_conv2d.register_autocast(_device, torch.float32)
    _binary_conv_transpose2d.register_autocast(_device, torch.float32)
    _binary_linear.register_autocast(_device, torch.float32)


def binary_conv2d(
    signs: Tensor,
    weight: BinaryWeight,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    *,
    input_offset: Tensor | None = None,
) -> Tensor:
    """conv2d(signs + input_offset, scale * weight.signs + offset), with zeros for taps outside.

    signs (N, in, H, W) and weight.signs (out, in / groups, kh, kw) hold -1 and +1, or one of the
    two reals; the weight's scale and offset are (out,), input_offset is one value. The result is
    (N, out, H', W'). Differentiable in all of them.
    """
    return cast(
        Tensor,
        _binary_conv2d(
            *(signs, weight.signs, weight.scale, weight.offset, input_offset),
            *(stride, padding, dilation, groups),
        ),
    )


def binary_conv_transpose2d(
    signs: Tensor,
    weight: BinaryWeight,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    output_padding: Pair = (0, 0),
    groups: int = 1,
    *,
    input_offset: Tensor | None = None,
) -> Tensor:
    """conv_transpose2d(signs + input_offset, scale * weight.signs + offset).

    Operands as in `binary_conv2d`, weight.signs (out, in / groups, kh, kw) among them, which is not
    PyTorch's order of a transposed convolution. The result is (N, out, H', W').
    """
    return cast(
        Tensor,
        _binary_conv_transpose2d(
            *(signs, weight.signs, weight.scale, weight.offset, input_offset),
            *(stride, padding, output_padding, groups),
        ),
    )


def binary_linear(
    signs: Tensor, weight: BinaryWeight, *, input_offset: Tensor | None = None
) -> Tensor:
    """(signs + input_offset) @ (scale * weight.signs + offset).T; (..., in) and (out, in) give
    (..., out). Operands as in `binary_conv2d`."""
    return cast(
        Tensor,
        _binary_linear(signs, weight.signs, weight.scale, weight.offset, input_offset),
    )
