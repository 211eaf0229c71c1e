"""Windows that lie where Keras' and TensorFlow's padding "same" has them, for networks from there.

PyTorch pads opposite sides alike. "same" pads as much as makes ceil(size / stride) windows, and
where that is odd the last row is below, and the last column on the right. So with a stride of 2 and
an even size its windows are others than those of a symmetric padding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.nn.binarizers.activations import BinaryActivation
from signbit.nn.binarizers.weights import BinaryWeight
from signbit.nn.functional import Pair, binary_conv2d
from signbit.nn.layers import BinaryConv2d, products

__all__ = ["with_same_padding"]


def with_same_padding(build: Callable[..., nn.Module], *args: object, **named: object) -> nn.Module:
    """The network that `build` makes of the other arguments, padded as "same" where it strides.

    That concerns convolutions, real and binary, and max pools that pad at all. Their parameters
    and paths stay as they are. A binary convolution's activations must be plain signs; it raises
    InputError when it is called otherwise.
    """
    network = build(*args, **named)
    for module in network.modules():
        same = _SAME.get(type(module))
        if same is not None and module.stride not in (1, (1, 1)):
            module.__class__ = same
    return network


class _SameConv2d(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        x = _padded(self, x, 0.0)
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class _SameMaxPool2d(nn.MaxPool2d):
    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(_padded(self, x, float("-inf")), self.kernel_size, self.stride)


class _SameBinaryConv2d(BinaryConv2d):
    def convolve(self, x: Tensor, weight: BinaryWeight) -> Tensor:
        activation: BinaryActivation = self.activation_binarizer(x)
        if activation._replace(signs=x, scale=None) != BinaryActivation(x):
            raise InputError(
                'padding "same" knows plain signs alone: the method "resnet-e" has them'
            )
        activation = activation._replace(signs=_padded(self, activation.signs, 0.0))
        geometry = (self.stride, (0, 0), self.dilation, self.groups)
        return products(activation, weight, lambda signs, w, _: binary_conv2d(signs, w, *geometry))


_SAME: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv2d: _SameConv2d,
    nn.MaxPool2d: _SameMaxPool2d,
    BinaryConv2d: _SameBinaryConv2d,
}


def _padded(module: nn.Conv2d | nn.MaxPool2d | BinaryConv2d, x: Tensor, value: float) -> Tensor:
    """x with this value around it, as the module's windows need it; itself where it pads none."""
    if not any(_pair(module.padding)):
        return x
    sides: list[int] = []
    pairs = _pair(module.kernel_size), _pair(module.stride), _pair(module.dilation)
    for size, kernel, stride, dilation in reversed(list(zip(x.shape[2:], *pairs, strict=True))):
        covered = (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1
        missing = max(covered - size, 0)
        sides += [missing // 2, missing - missing // 2]
    return F.pad(x, sides, value=value)


def _pair(value: int | tuple[int, ...] | str) -> Pair:
    """Of rows and of columns; a layer's padding by name is none of numbers."""
    if isinstance(value, str):
        return (0, 0)
    return (value, value) if isinstance(value, int) else (value[0], value[1])
