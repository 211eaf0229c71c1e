"""Rules about modules: calling one must do what signbit or PyTorch wrote, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import nn
from torch.nn.modules import module as all_modules

from signbit.nn.select.context import Reason

__all__ = ["altered", "may_miss_calls", "pytorch"]

_Hook = TypeVar("_Hook", bound=Callable[..., Any])

_CALL, _CALL_IMPL = nn.Module.__call__, nn.Module._call_impl
_PYTORCH = (nn.BatchNorm2d, nn.Conv2d, nn.Hardtanh, nn.MaxPool2d, nn.PReLU)
_FORWARDS: dict[type[nn.Module], Any] = {kind: kind.forward for kind in _PYTORCH}
"""The forwards that PyTorch wrote, whatever is put in their place later."""

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_GLOBAL_HOOKS = tuple(f"_global{name}" for name in _HOOKS)


def may_miss_calls(hook: _Hook) -> _Hook:
    """Mark a hook that need not be called where a native op does its module's work."""
    hook._misses_calls = True  # type: ignore[attr-defined]
    return hook


def altered(module: nn.Module, forward: Callable[..., Any]) -> Reason:
    """Why calling the module may do something other than `forward`; None where it may not."""
    kind, own = type(module), vars(module)
    if kind.forward is not forward or "forward" in own:
        return f"{kind.__name__} has its own forward"
    if kind.__call__ is not _CALL or kind._call_impl is not _CALL_IMPL or "_call_impl" in own:
        return f"{kind.__name__} is called in its own way"
    if module._compiled_call_impl is not None:
        return f"{kind.__name__} is compiled"
    return _hooked(module)


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


def pytorch(kind: type[nn.Module], module: nn.Module) -> Reason:
    """Why it is not PyTorch's own module `kind`, unchanged; None where it is."""
    if type(module) is not kind:
        return f"{type(module).__name__} is no {kind.__name__}"
    return altered(module, _FORWARDS[kind])
