"""Binary layers of every method in plain PyTorch, as the papers' own code writes them.

Every operation is its own, and every input that a derivative needs is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["METHODS", "PlainMethod"]


class _Ede(torch.autograd.Function):
    """sign with EDE's derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, k: Tensor, t: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(x, k, t)
        return torch.where(x < 0, -1.0, 1.0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        x, k, t = ctx.saved_tensors
        return k * t * (1 - torch.pow(torch.tanh(x * t), 2)) * grad, None, None


class _Clip(torch.autograd.Function):
    """sign with the derivative of hardtanh."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(x)
        return torch.where(x < 0, -1.0, 1.0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1)


class _Polynomial(_Clip):
    """sign with Bi-Real Net's derivative."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        return grad * (2 - 2 * x.abs()).clamp(min=0)


class _Conv(nn.Module):
    """A float convolution of what `inputs` and `filters` make; these are BNN's."""

    def __init__(
        self, before: int, after: int, stride: int = 1, kernel: int = 3, groups: int = 1
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.groups = stride, kernel // 2, groups
        self.weight = nn.Parameter(torch.empty(after, before // groups, kernel, kernel))
        nn.init.kaiming_normal_(self.weight)

    def inputs(self, x: Tensor) -> Tensor:
        signs: Tensor = _Clip.apply(x)
        return signs

    def filters(self) -> Tensor:
        signs: Tensor = _Clip.apply(self.weight)
        return signs

    def forward(self, x: Tensor) -> Tensor:
        geometry = (self.stride, self.padding, 1, self.groups)
        return F.conv2d(self.inputs(x), self.filters(), None, *geometry)


class _EdeConv(_Conv):
    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__(before, after, stride)
        self.register_buffer("k", torch.tensor(1000.0), persistent=False)
        self.register_buffer("t", torch.tensor(0.001), persistent=False)

    def inputs(self, x: Tensor) -> Tensor:
        signs: Tensor = _Ede.apply(x, self.k, self.t)
        return signs


class _SDBNN(_EdeConv):
    """Activation and weight self-distribution."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__(before, after, stride)
        self.a = nn.Parameter(torch.zeros(after, 1, 1, 1))
        hidden = max(1, before // 16)
        self.squeeze = nn.Linear(before, hidden, bias=False)
        self.excite = nn.Linear(hidden, before, bias=False)

    def inputs(self, x: Tensor) -> Tensor:
        mean = F.adaptive_avg_pool2d(x, 1).flatten(1)
        shift = torch.sigmoid(self.excite(F.relu(self.squeeze(mean))))
        return super().inputs(x + shift[:, :, None, None])

    def filters(self) -> Tensor:
        offset = 0.01 * torch.sigmoid(self.a) * self.weight.detach().mean((1, 2, 3), keepdim=True)
        signs: Tensor = _Ede.apply(self.weight + offset, self.k, self.t)
        return signs


class _IRNet(_EdeConv):
    def filters(self) -> Tensor:
        spread = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        spread = spread / spread.flatten(1).std(1).reshape(-1, 1, 1, 1)
        mean = spread.detach().abs().mean((1, 2, 3), keepdim=True)
        signs: Tensor = _Ede.apply(spread, self.k, self.t)
        return signs * torch.pow(2.0, mean.log2().round())


class _BiReal(_Conv):
    def inputs(self, x: Tensor) -> Tensor:
        signs: Tensor = _Polynomial.apply(x)
        return signs

    def filters(self) -> Tensor:
        scale = self.weight.detach().abs().mean((1, 2, 3), keepdim=True)
        clipped = self.weight.clamp(-1, 1)
        signs = torch.where(self.weight.detach() < 0, -1.0, 1.0)
        return (scale * signs - clipped).detach() + clipped


class _ReActNet(_BiReal):
    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__(before, after, stride)
        self.bias = nn.Parameter(torch.zeros(1, before, 1, 1))

    def inputs(self, x: Tensor) -> Tensor:
        return super().inputs(x + self.bias)


class _RPReLU(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.prelu = nn.PReLU(channels)
        self.after = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.prelu(x + self.before) + self.after
        return y


class _AdaBin(_Conv):
    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__(before, after, stride)
        self.alpha = nn.Parameter(torch.ones(()))
        self.beta = nn.Parameter(torch.zeros(()))
        self.register_buffer("k", torch.tensor(1000.0), persistent=False)
        self.register_buffer("t", torch.tensor(0.001), persistent=False)

    def inputs(self, x: Tensor) -> Tensor:
        signs: Tensor = _Polynomial.apply((x - self.beta) / self.alpha)
        return self.alpha * (signs + self.beta)

    def filters(self) -> Tensor:
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        deviation = (self.weight - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
        signs: Tensor = _Ede.apply((self.weight - mean) / deviation, self.k, self.t)
        return signs * deviation + mean


class _Maxout(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.positive = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.negative = nn.Parameter(torch.full((1, channels, 1, 1), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        return self.positive * F.relu(x) - self.negative * F.relu(-x)


class _XNOR(_Conv):
    def filters(self) -> Tensor:
        scale = self.weight.abs().mean((1, 2, 3), keepdim=True)
        return scale * super().filters()

    def forward(self, x: Tensor) -> Tensor:
        magnitudes = x.abs().mean(1, keepdim=True)
        box = torch.full((1, 1, 3, 3), 1 / 9)
        return super().forward(x) * F.conv2d(magnitudes, box, None, self.stride, self.padding)


class PlainMethod(NamedTuple):
    """A method's parts."""

    conv: Callable[..., nn.Module]
    """(input channels, output channels, stride) -> a layer with a kernel of 3 x 3."""
    nonlinearity: Callable[[int], nn.Module]
    norm_first: bool = False


METHODS = {
    "adabin": PlainMethod(_AdaBin, _Maxout),
    "bireal": PlainMethod(_BiReal, lambda channels: nn.Identity()),
    "bnn": PlainMethod(_Conv, lambda channels: nn.Hardtanh()),
    "irnet": PlainMethod(_IRNet, lambda channels: nn.Hardtanh()),
    "prelu": PlainMethod(_BiReal, nn.PReLU),
    "reactnet": PlainMethod(_ReActNet, _RPReLU),
    "sdbnn": PlainMethod(_SDBNN, lambda channels: nn.Hardtanh()),
    "xnor": PlainMethod(_XNOR, lambda channels: nn.Identity(), norm_first=True),
}
