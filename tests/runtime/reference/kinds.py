"""Kinds of windows, images and batches that hypothesis draws for the tests of the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from hypothesis import strategies as st
from torch import Tensor

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Conv:
    """A convolution's windows over a batch of images (N, H, W, C)."""

    batch: int
    size: tuple[int, int]
    groups: int
    per_group: int
    filters: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    seed: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (self.batch, *self.size, self.groups * self.per_group)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return (self.groups * self.filters, *self.kernel, self.per_group)

    @property
    def windows(self) -> dict[str, Any]:
        """Keys of the node."""
        return {
            "kernel": self.kernel,
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    @property
    def loops(self) -> tuple[Any, ...]:
        """What the oracle's loops take."""
        return self.stride, self.padding, self.dilation, self.groups


@st.composite
def convs(draw: st.DrawFn) -> Conv:
    """Odd and even kernels, each side's own padding, images of one pixel, batches of none."""
    small = st.integers(1, 3)
    kernel, stride, dilation = draw(st.tuples(*[st.tuples(small, small)] * 3))
    padding = draw(st.tuples(*[st.integers(0, 3)] * 4))
    size = [
        max(1, dilation[axis] * (kernel[axis] - 1) + 1 - padding[axis] - padding[axis + 2])
        + draw(st.integers(0, 4))
        for axis in (0, 1)
    ]
    return Conv(
        batch=draw(st.integers(0, 3)),
        size=(size[0], size[1]),
        groups=draw(st.sampled_from((1, 1, 2, 3))),
        per_group=draw(st.sampled_from((1, 2, 5, 31))),
        filters=draw(small),
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        seed=draw(st.integers(0, 2**32)),
    )


@st.composite
def batches(draw: st.DrawFn, most_channels: int = 9) -> Array:
    """Reals (N, H, W, C), often with equal values and zeros of both signs."""
    shape = (
        draw(st.integers(0, 3)),
        draw(st.integers(1, 6)),
        draw(st.integers(1, 6)),
        draw(st.integers(1, most_channels)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = rng.standard_normal(shape) * draw(st.sampled_from((0.1, 1, 100)))
    if draw(st.booleans()):
        values = np.round(values * 2) / 2
    return values.astype(np.float32)


def nchw(x: Array, dtype: torch.dtype = torch.float64) -> Tensor:
    """A batch (N, H, W, C) as PyTorch has it."""
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))).to(dtype)


def nhwc(x: Tensor) -> Array:
    array: Array = x.permute(0, 2, 3, 1).numpy()
    return array


def around(x: Tensor, padding: tuple[int, int, int, int], value: float) -> Tensor:
    """Padded by a value: top, left, bottom, right."""
    top, left, bottom, right = padding
    return torch.nn.functional.pad(x, (left, right, top, bottom), value=value)
