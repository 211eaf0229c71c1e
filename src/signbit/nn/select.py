"""Every rule of when a native op may stand in for modules; each says in plain words why not.

The modules are the reference. A rule returns None where the op does the same, else the reason why
it may not; what no rule knows is left to the modules. A native op computes several modules' work at
once, so it needs them as signbit or PyTorch wrote them, with nobody listening in between.

Rules about modules hold for a whole training; rules about inputs (`context`, `tensor`, and what
takes x) are asked at every call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.modules import module as all_modules
from torch.utils._python_dispatch import _get_current_dispatch_mode

from signbit.errors import InputError, ModelFileError
from signbit.fast.binary_unit import MAX_POOL, MAX_TAPS
from signbit.fast.layer import SURROGATES, has_conv_backward
from signbit.fast.sign_conv import are_signs, sign_conv_plan
from signbit.fast.switch import native_ops
from signbit.nn.binarizers.activations import ActivationBinarizer
from signbit.nn.binarizers.weights import BinaryWeight
from signbit.nn.estimators import Estimator

__all__ = [
    "binary_unit",
    "context",
    "is_clip",
    "maxout",
    "may_miss_calls",
    "pool_window",
    "real_unit",
    "rprelu",
    "sign_conv",
    "sign_linear",
    "unit_weight",
]

Reason = str | None
_Hook = TypeVar("_Hook", bound=Callable[..., Any])
_Pair = tuple[int, int]

_CALL, _CALL_IMPL = nn.Module.__call__, nn.Module._call_impl
_PYTORCH = (nn.BatchNorm2d, nn.Conv2d, nn.Hardtanh, nn.MaxPool2d, nn.PReLU)
_FORWARDS: dict[type[nn.Module], Any] = {kind: kind.forward for kind in _PYTORCH}
"""As PyTorch wrote them, whatever is put in their place later."""

_MIN_GROUP = 4
"""Channels of a group below which PyTorch's own convolution is faster: a word a tap is too much."""


def may_miss_calls(hook: _Hook) -> _Hook:
    """Mark a hook that need not be called where a native op does its module's work."""
    hook._misses_calls = True  # type: ignore[attr-defined]
    return hook


# What is asked of every input.


def context(x: Tensor) -> Reason:
    """Of what surrounds the call, and of x: a plain float32 tensor on a CPU, computed at once."""
    if not native_ops():
        return "native ops are switched off"
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return "it is being compiled, exported or traced"
    if torch.is_autocast_enabled("cpu"):
        return "autocast is on"
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "a transformation of torch.func is at work"
    if forward_ad._current_level >= 0:
        return "forward-mode derivatives are being computed"
    if _get_current_dispatch_mode() is not None or torch._C._len_torch_function_stack():
        return "a torch mode watches or changes operations"
    return _tensor("the input", x)


def _tensor(name: str, x: Tensor | None) -> Reason:
    if type(x) is not Tensor and type(x) is not nn.Parameter:
        return f"{name} is a {type(x).__name__}, no plain tensor"
    if not x.is_cpu or x.dtype is not torch.float32:
        return f"{name} is {str(x.dtype)[6:]} on {x.device}; native ops know float32 on a CPU"
    if x.layout is not torch.strided or x.is_neg():
        return f"{name} does not lie in memory as plain numbers"
    return None


def _evaluation(module: nn.Module, x: Tensor | None) -> Reason:
    """A compiled file is checked against evaluation, bit for bit; gradients there are PyTorch's.

    Outside of channels-last memory native results would be copied once more than PyTorch's.
    """
    if module.training or x is None:
        return None
    if torch.is_grad_enabled():
        return "it is evaluated with gradients, which is PyTorch's"
    if x.is_contiguous() or not x.is_contiguous(memory_format=torch.channels_last):
        return "in evaluation its input has to be channels-last"
    return None


# What is asked of modules.


def _altered(module: nn.Module, forward: Callable[..., Any]) -> Reason:
    """Whether calling the module does anything but `forward`."""
    kind, own = type(module), vars(module)
    if kind.forward is not forward or "forward" in own:
        return f"{kind.__name__} has its own forward"
    if kind.__call__ is not _CALL or kind._call_impl is not _CALL_IMPL or "_call_impl" in own:
        return f"{kind.__name__} is called in its own way"
    if module._compiled_call_impl is not None:
        return f"{kind.__name__} is compiled"
    return _hooked(module)


_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_GLOBAL_HOOKS = tuple(f"_global{name}" for name in _HOOKS)


def _hooked(module: nn.Module) -> Reason:
    # Asked of every module at every step, so nearly always empty dictionaries cost next to nothing.
    everywhere = vars(all_modules)
    for name in _GLOBAL_HOOKS:
        if everywhere[name] and _listens(everywhere[name]):
            return "a hook is registered for all modules"
    own = vars(module)
    for name in _HOOKS:
        if own[name] and _listens(own[name]):
            return f"{type(module).__name__} has a hook"
    return None


def _listens(hooks: Mapping[int, Callable[..., Any]]) -> bool:
    return not all(getattr(hook, "_misses_calls", False) for hook in hooks.values())


def _pytorch(kind: type[nn.Module], module: nn.Module) -> Reason:
    """Whether it is one of PyTorch's modules, as it is there."""
    if type(module) is not kind:
        return f"{type(module).__name__} is no {kind.__name__}"
    return _altered(module, _FORWARDS[kind])


# A binary convolution or linear layer.


def sign_conv(layer: Any, weight: BinaryWeight | None, x: Tensor | None) -> Reason:
    """For `layer`, a BinaryConv2d, its weight as it was binarized, and x (N, in, H, W).

    Without weight and x: what holds for any.
    """
    return (
        (None if x is None else context(x))
        or _evaluation(layer, x)
        or _activation(layer.activation_binarizer)
        or _groups(layer)
        or (None if weight is None else _weight(layer.weight, weight))
        or (None if x is None else _geometry(layer, x))
    )


def sign_linear(layer: Any, weight: BinaryWeight | None, x: Tensor | None) -> Reason:
    """The same for a BinaryLinear and x (N, in)."""
    return (
        (None if x is None else context(x))
        or (None if layer.training else "evaluation of a linear layer is PyTorch's")
        or ("the batch is empty" if x is not None and len(x) == 0 else None)
        or _activation(layer.activation_binarizer)
        or (None if weight is None else _weight(layer.weight, weight))
    )


def _activation(binarizer: nn.Module) -> Reason:
    """Signs of x plus a shift of its own, with gradients that the kernels know."""
    name = type(binarizer).__name__
    if not isinstance(binarizer, ActivationBinarizer):
        return f"{name} is no ActivationBinarizer"
    reason = _altered(binarizer, ActivationBinarizer.forward)
    if reason is not None:
        return reason
    estimator = binarizer.estimator
    if not isinstance(estimator, Estimator) or type(estimator).__call__ is not Estimator.__call__:
        return f"{name}'s estimator takes signs in its own way"
    if estimator.name not in SURROGATES:
        return f"the kernels do not know the estimator {estimator.name!r}"
    return None


def _groups(layer: Any) -> Reason:
    if layer.groups > 1 and layer.in_channels // layer.groups < _MIN_GROUP:
        return f"groups of fewer than {_MIN_GROUP} channels are faster on PyTorch's convolution"
    return None


def _weight(latent: Tensor, weight: BinaryWeight) -> Reason:
    """What the binarizer returned, whatever its class: ±1 and perhaps a scale for each filter."""
    signs, scale, offset = weight
    if offset is not None:
        return "its weight has an offset"
    reason = _tensor("its weight", signs)
    if reason is not None:
        return reason
    if signs.shape != latent.shape:
        return "its binarized weight has another shape than the latent one"
    if scale is not None:
        reason = _tensor("its weight's scale", scale)
        if reason is not None:
            return reason
        if scale.shape != (len(signs),):
            return "its weight's scale is not one value a filter"
    return None if are_signs(signs) else "its binarized weight holds values other than -1 and +1"


def _geometry(layer: Any, x: Tensor) -> Reason:
    """Whether the kernels have a plan for it; what fits nowhere is PyTorch's to refuse."""
    if 0 in x.shape:
        return "its input is empty"
    if min(_out_size(layer, x)) < 1:
        return "its kernel does not fit into the input"
    return _plan(x.shape[1:], layer.out_channels, _window(layer), layer.groups)


_Window = tuple[_Pair, _Pair, _Pair, _Pair]
"""Kernel, stride, padding, dilation."""


def _window(layer: Any) -> _Window:
    return layer.kernel_size, layer.stride, layer.padding, layer.dilation


@lru_cache(maxsize=256)
def _plan(image: tuple[int, int, int], out: int, window: _Window, groups: int) -> Reason:
    channels, *size = image
    kernel, *geometry = window
    try:
        sign_conv_plan((size[0], size[1]), (channels, out), kernel, *geometry, groups)
    except (InputError, ModelFileError) as error:
        return f"the kernels refuse its size: {error}"
    return None


def _out_size(layer: Any, x: Tensor) -> _Pair:
    return _outputs(x.shape[2:], _window(layer))


@lru_cache(maxsize=256)
def _outputs(size: _Pair, window: _Window) -> _Pair:
    height, width = (
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        for size, kernel, stride, padding, dilation in zip(size, *window, strict=True)
    )
    return height, width


# A convolution with what follows: pool, normalisation, shortcut and clip.


def binary_unit(
    layer: Any,
    forward: Callable[..., Any],
    norm: nn.Module,
    pool: nn.Module | None,
    x: Tensor | None = None,
    shortcut: Tensor | None = None,
) -> Reason:
    """For a BinaryConv2d, whose forward is `forward`; `unit_weight` has to agree as well."""
    reason = (
        (None if x is None else context(x))
        or _altered(layer, forward)
        or _norm(norm)
        or sign_conv(layer, None, None)
        or _evaluation(layer, x)
    )
    if reason is not None:
        return reason
    if not has_conv_backward((layer.stride, layer.padding, layer.dilation), layer.groups):
        return "a unit has neither groups nor dilation"
    if layer.out_channels % 16:
        return "a unit has a multiple of 16 output channels"
    if layer.weight.shape[1:].numel() > MAX_TAPS:
        return f"a unit's filters have at most {MAX_TAPS} weights"
    window = pool_window(pool)
    if pool is not None:
        if not window:
            return f"a unit pools by maxima of windows that touch, up to {MAX_POOL} high"
        reason = _pytorch(nn.MaxPool2d, pool)
    return reason or (None if x is None else _unit_input(layer, norm, window, x, shortcut))


def _unit_input(
    layer: Any, norm: nn.Module, window: int, x: Tensor, shortcut: Tensor | None
) -> Reason:
    if x.dim() != 4 or x.shape[1] != layer.in_channels or norm.num_features != layer.out_channels:
        return "input, convolution and normalisation differ in their channels"
    reason = _geometry(layer, x)
    if reason is not None:
        return reason
    height, width = (size // window for size in _out_size(layer, x))
    if min(height, width) < 1 or len(x) * height * width == 1:
        return "a single value a channel has no spread"
    if shortcut is None:
        return None
    if shortcut.shape != (len(x), layer.out_channels, height, width):
        return "the shortcut has another shape than the result"
    return _tensor("the shortcut", shortcut)


def unit_weight(layer: Any, weight: BinaryWeight) -> Reason:
    """Of what the weight binarizer returned, in a unit."""
    if weight.scale is not None and weight.scale.requires_grad:
        return "a unit gives its weight's scale no gradient"
    return _weight(layer.weight, weight)


def real_unit(conv: nn.Module, norm: nn.Module, x: Tensor | None = None) -> Reason:
    """For a convolution of reals without bias and its normalisation, without pool or shortcut."""
    reason = (None if x is None else context(x)) or _pytorch(nn.Conv2d, conv) or _norm(norm)
    if reason is not None:
        return reason
    conv = cast(nn.Conv2d, conv)
    if conv.bias is not None or conv.padding_mode != "zeros" or type(conv.padding) is not tuple:
        return "a unit's convolution has no bias, and numbers of zeros for padding"
    if norm.num_features != conv.out_channels:
        return "convolution and normalisation differ in their channels"
    if x is not None:
        if x.dim() != 4 or 0 in x.shape or x.shape[1] != conv.in_channels:
            return "its input is no batch of images with its channels"
        height, width = _out_size(conv, x)
        if min(height, width) < 1 or len(x) * height * width == 1:
            return "a single value a channel has no spread"
    return _tensor("its weight", conv.weight)


def _norm(norm: nn.Module) -> Reason:
    reason = _pytorch(nn.BatchNorm2d, norm)
    if reason is not None:
        return reason
    norm = cast(nn.BatchNorm2d, norm)
    if not norm.training:
        return "its normalisation does not train"
    if not norm.affine or norm.momentum is None or not norm.track_running_stats:
        return "a unit's normalisation is affine, with running statistics and a momentum"
    for values in (*norm._parameters.values(), norm.running_mean, norm.running_var):
        reason = _tensor("a value of its normalisation", values)
        if reason is not None:
            return reason
    return None


def is_clip(nonlinearity: nn.Module) -> bool:
    """Whether it is nn.Hardtanh(-1, 1), which a unit does itself."""
    if _pytorch(nn.Hardtanh, nonlinearity) is not None:
        return False
    return cast(bool, nonlinearity.min_val == -1 and nonlinearity.max_val == 1)


def pool_window(pool: nn.Module | None) -> int:
    """Height and width of the pool's windows, where they touch; 1 without a pool, 0 otherwise."""
    if pool is None:
        return 1
    if type(pool) is not nn.MaxPool2d or pool.return_indices or pool.ceil_mode:
        return 0
    if pool.padding not in (0, (0, 0)) or pool.dilation not in (1, (1, 1)):
        return 0
    sizes = {*_pair(pool.kernel_size), *_pair(pool.stride)}
    size = sizes.pop() if len(sizes) == 1 else 0
    return size if size <= MAX_POOL else 0


def _pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value, value)


def rprelu(module: Any, x: Tensor | None = None) -> Reason:
    """For an RPReLU and x (N, channels, H, W)."""
    return (
        (None if x is None else context(x))
        or _evaluation(module, x)
        or _pytorch(nn.PReLU, module.prelu)
        or _by_channel(x, module.before, module.prelu.weight, module.after)
    )


def maxout(module: Any, x: Tensor | None = None) -> Reason:
    """For a Maxout and x (N, channels, H, W)."""
    return (
        (None if x is None else context(x))
        or _evaluation(module, x)
        or _by_channel(x, module.negative, module.positive)
    )


def _by_channel(x: Tensor | None, first: Tensor, *others: Tensor) -> Reason:
    """Parameters of a non-linearity, and its input."""
    if x is not None and (x.dim() != 4 or 0 in x.shape or x.shape[1] != len(first)):
        return "its input is no batch of images with its channels"
    for values in (first, *others):
        reason = _tensor("a parameter", values)
        if reason is not None:
            return reason
        if values.shape != first.shape:
            return "its parameters are not one value per channel each"
    return None
