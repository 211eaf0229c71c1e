"""The sign function with a surrogate gradient: forward sign, backward what an estimator says.

Owns the named operations `signbit::sign` and `signbit::scale_gradient`, which `torch.export` keeps,
and the registry of estimators. Which tensor becomes a sign, and how, is the binarizers' business.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from signbit.errors import InputError

__all__ = [
    "EDE",
    "Clip",
    "ClipInside",
    "Derivative",
    "Estimator",
    "Identity",
    "Polynomial",
    "estimator_names",
    "register_estimator",
    "scale_gradient",
    "sign",
]

Derivative = Callable[[Tensor, Sequence[float]], Tensor]
"""(x, parameters) -> the surrogate derivative of sign at each element of x, same shape, fresh."""

_derivatives: dict[str, Derivative] = {}


def register_estimator(name: str, derivative: Derivative) -> None:
    """Make `derivative` the backward of `signbit::sign` wherever it is called with `name`.

    A new estimator is a derivative and a small class that names it:

        register_estimator("triangle", lambda x, _: (1 - x.abs()).clamp(min=0))

        class Triangle(Estimator):
            name = "triangle"

    Raises InputError if the name is taken.
    """
    if name in _derivatives:
        raise InputError(f"estimator {name!r} is already registered; choose another name")
    _derivatives[name] = derivative


def estimator_names() -> list[str]:
    """Names that `signbit::sign` knows, sorted."""
    return sorted(_derivatives)


def _derivative(name: str) -> Derivative:
    try:
        return _derivatives[name]
    except KeyError:
        choices = ", ".join(estimator_names())
        raise InputError(f"unknown estimator {name!r}; choose one of {choices}") from None


def _identity(x: Tensor, parameters: Sequence[float]) -> Tensor:
    return torch.ones_like(x)


def _clip(x: Tensor, parameters: Sequence[float]) -> Tensor:
    limit = parameters[0] if parameters else 1.0
    return (x.abs() <= limit).to(x.dtype)


def _clip_inside(x: Tensor, parameters: Sequence[float]) -> Tensor:
    return (x.abs() < 1).to(x.dtype)


def _polynomial(x: Tensor, parameters: Sequence[float]) -> Tensor:
    return x.abs().mul_(-2).add_(2).clamp_(min=0)


def _ede(x: Tensor, parameters: Sequence[float]) -> Tensor:
    t, k = parameters
    # Not in place on tanh's result, which its own derivative needs.
    return torch.tanh(x * t).square().mul_(-k * t).add_(k * t)


register_estimator("identity", _identity)
register_estimator("clip", _clip)
register_estimator("clip-inside", _clip_inside)
register_estimator("polynomial", _polynomial)
register_estimator("ede", _ede)


@torch.library.custom_op(
    "signbit::sign",
    mutates_args=(),
    schema="(Tensor x, str estimator, float[] parameters) -> Tensor",
)
def _sign_op(x: Tensor, estimator: str, parameters: Sequence[float]) -> Tensor:
    # A comparison, not the top bit of the float: -0.0 and NaN are not negative, so they become +1.
    return (x < 0).to(x.dtype).mul_(-2).add_(1)


@_sign_op.register_fake
def _(x: Tensor, estimator: str, parameters: Sequence[float]) -> Tensor:
    return torch.empty_like(x)


def _sign_setup(ctx: Any, inputs: tuple[Tensor, str, Sequence[float]], output: Tensor) -> None:
    x, ctx.estimator, ctx.parameters = inputs
    ctx.save_for_backward(x)


def _sign_backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
    (x,) = ctx.saved_tensors
    return _derivative(ctx.estimator)(x, ctx.parameters).mul_(grad), None, None


_sign_op.register_autograd(_sign_backward, setup_context=_sign_setup)


@torch.library.custom_op(
    "signbit::scale_gradient", mutates_args=(), schema="(Tensor x, Tensor factor) -> Tensor"
)
def _scale_gradient_op(x: Tensor, factor: Tensor) -> Tensor:
    return x.clone()


@_scale_gradient_op.register_fake
def _(x: Tensor, factor: Tensor) -> Tensor:
    return torch.empty_like(x)


def _scale_gradient_setup(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(inputs[1])


def _scale_gradient_backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
    (factor,) = ctx.saved_tensors
    return grad * factor, None


_scale_gradient_op.register_autograd(_scale_gradient_backward, setup_context=_scale_gradient_setup)


def sign(x: Tensor, estimator: str, parameters: Sequence[float] = ()) -> Tensor:
    """-1 where x < 0, else +1 (so 0, -0.0 and NaN give +1); backward as the named estimator.

    Same shape and dtype as x, which must be floating point. Raises InputError for an unknown name.

    >>> x = torch.tensor([-2.0, -0.5, 0.0, 0.5], requires_grad=True)
    >>> sign(x, "clip").tolist()
    [-1.0, -1.0, 1.0, 1.0]
    >>> sign(x, "clip").sum().backward()
    >>> x.grad.tolist()
    [0.0, 1.0, 1.0, 1.0]
    """
    _derivative(estimator)
    return cast(Tensor, _sign_op(x, estimator, list(parameters)))


def scale_gradient(x: Tensor, factor: Tensor) -> Tensor:
    """x itself; its gradient is multiplied by `factor`, which broadcasts to x, and gets none."""
    return cast(Tensor, _scale_gradient_op(x, factor))


class Estimator:
    """A callable `x -> signs` with a surrogate gradient. Subclasses set `name`; see `sign`.

    `parameters` go to the derivative. An estimator that changes during training overrides
    `set_progress`; what it sets must follow from (epoch, epochs) alone, so that a resumed run
    is where the interrupted one was.
    """

    name: str

    @property
    def parameters(self) -> tuple[float, ...]:
        return ()

    def set_progress(self, epoch: int, epochs: int) -> None:
        """Called at the start of every epoch, 0 <= epoch < epochs."""

    def __call__(self, x: Tensor) -> Tensor:
        return sign(x, self.name, self.parameters)

    def derivative(self, x: Tensor) -> Tensor:
        """What stands for the derivative of sign at each element of x; same shape, no gradient."""
        return _derivative(self.name)(x.detach(), self.parameters)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{p:g}' for p in self.parameters)})"


class Identity(Estimator):
    """Straight-through: derivative 1 everywhere.

    Bengio, Leonard, Courville 2013, "Estimating or Propagating Gradients Through Stochastic
    Neurons for Conditional Computation".
    """

    name = "identity"


class Clip(Estimator):
    """Derivative 1 for abs(x) <= limit, else 0: that of hardtanh, whose limit is 1.

    Courbariaux, Hubara et al. 2016, "Binarized Neural Networks", eq. 4; other limits are those of
    Bethge et al. 2019, "Back to Simplicity". Raises InputError for a limit that is not above 0.
    """

    name = "clip"

    def __init__(self, limit: float = 1.0) -> None:
        if not 0 < limit < math.inf:
            raise InputError(f"Clip needs a limit > 0, got {limit}")
        self.limit = limit

    @property
    def parameters(self) -> tuple[float, ...]:
        return () if self.limit == 1 else (self.limit,)


class ClipInside(Estimator):
    """Derivative 1 for abs(x) < 1, else 0: `Clip` that blocks the gradient at exactly -1 and 1 too.

    Rastegari et al. 2016, "XNOR-Net", as its authors' code has it.
    """

    name = "clip-inside"


class Polynomial(Estimator):
    """Derivative 2 - 2 abs(x) for abs(x) < 1, else 0: that of a piecewise quadratic near sign.

    Liu et al. 2018, "Bi-Real Net" (ApproxSign).
    """

    name = "polynomial"


class EDE(Estimator):
    """Derivative k t (1 - tanh(t x)^2), from nearly linear to nearly sign as training goes on.

    t = 10^(log10 t_min + (log10 t_max - log10 t_min) epoch / epochs) and k = max(1 / t, 1).
    Starts as at epoch 0. Qin et al. 2020, "Forward and Backward Information Retention for Accurate
    Binary Neural Networks" (IR-Net). Raises InputError unless 0 < t_min <= t_max.
    """

    name = "ede"

    def __init__(self, t_min: float = 1e-3, t_max: float = 1e1) -> None:
        if not 0 < t_min <= t_max < math.inf:
            raise InputError(f"EDE needs 0 < t_min <= t_max, got t_min={t_min}, t_max={t_max}")
        self.t_min = t_min
        self.t_max = t_max
        self.t = t_min

    @property
    def k(self) -> float:
        return max(1 / self.t, 1.0)

    @property
    def parameters(self) -> tuple[float, ...]:
        return (self.t, self.k)

    def set_progress(self, epoch: int, epochs: int) -> None:
        low, high = math.log10(self.t_min), math.log10(self.t_max)
        self.t = 10 ** (low + (high - low) * epoch / epochs)
