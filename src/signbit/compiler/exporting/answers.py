"""What a model returns, by name: results in whatever holds them, and those of modules inside it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, cast

from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from signbit.compiler.ir.graph import LOGITS
from signbit.errors import CompileError, Refusal

__all__ = ["named_answers", "named_results", "result_names"]


def result_names(program: ExportedProgram) -> list[str]:
    """The name of each of an exported model's results, in its order.

    One tensor is "logits". An entry of a dict or of a named tuple has its key, one of a tuple is
    "output.0" and so on; of one inside another the names are joined by dots.
    """
    spec = program.call_spec.out_spec
    assert spec is not None
    return list(named_results(pytree.tree_unflatten(range(spec.num_leaves), spec)))


def named_results(result: Any) -> dict[str, Any]:
    """What a model returned, by name; of a dataclass the fields that are not None.

    Raises CompileError where two have one name.
    """
    named: dict[str, Any] = {}
    for path, leaf in pytree.tree_flatten_with_path(_plain(result))[0]:
        keys = cast("Sequence[Any]", path)
        parts = [str(getattr(key, fields(key)[0].name)) for key in keys]
        is_numbered = bool(path) and isinstance(path[0], pytree.SequenceKey)
        name = ".".join(["output", *parts] if is_numbered else parts) or LOGITS
        if name in named:
            raise CompileError(f"the model returns two results called {name!r}; rename one")
        named[name] = leaf
    return named


def _plain(value: Any) -> Any:
    """The value with its dataclasses as dicts, as torch.export knows only those it was told of."""
    if is_dataclass(value) and not isinstance(value, type):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        value = {name: each for name, each in held.items() if each is not None}
    if type(value) is dict:
        return {name: _plain(each) for name, each in value.items()}
    return type(value)(map(_plain, value)) if type(value) in (tuple, list) else value


@contextmanager
def named_answers(model: nn.Module, keep: Sequence[str] = ()) -> Iterator[None]:
    """Inside it the model answers with one tensor, or with a dict of tensors by name.

    keep: paths of modules whose results are further answers, by these paths. Raises CompileError
    for a path that the model lacks; the model does where a module is called more than once, or not
    at all, or has a result that is no tensor.
    """
    kept = _Kept()
    modules = dict(model.named_modules())
    unknown = [path for path in keep if path not in modules or not path]
    if unknown:
        raise CompileError(*(_unknown(path, modules) for path in unknown))
    with ExitStack() as hooks:
        for path in dict.fromkeys(keep):
            hook = modules[path].register_forward_hook(kept.hook(path))
            hooks.callback(hook.remove)
        for hook in (
            model.register_forward_pre_hook(kept.begin),
            model.register_forward_hook(kept.end),
        ):
            hooks.callback(hook.remove)
        yield


def _unknown(path: str, modules: Mapping[str, nn.Module]) -> Refusal:
    names = [name for name in modules if name]
    near = difflib.get_close_matches(path, names, 3) or names[:3]
    cure = f"name one of model.named_modules(), such as {', '.join(near)}" if near else ""
    return Refusal("", "", f"keep: {path!r} is no module of the model", cure)


class _Kept:
    """The results of modules, from one call of the model to its end."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.values: dict[str, Tensor] = {}

    def hook(self, path: str) -> Any:
        """A hook for a module of this path."""
        self.paths.append(path)

        def keep(module: nn.Module, args: Any, result: Any) -> None:
            if path in self.values:
                raise _not_one(path, "is called more than once", "keep a module around it")
            if not isinstance(result, Tensor):
                reason = f"gives no tensor, but a {type(result).__name__}"
                raise _not_one(path, reason, "keep a module inside it")
            self.values[path] = result.clone()  # which what follows does not write into

        return keep

    def begin(self, model: nn.Module, args: Any) -> None:
        """Forget the call before."""
        self.values.clear()

    def end(self, model: nn.Module, args: Any, result: Any) -> Any:
        """The model's answers by name, and behind them what was kept; one tensor stays itself."""
        if isinstance(result, Tensor) and not self.paths:
            return None
        answers = named_results(result)
        for path in self.paths:
            if path not in self.values:
                raise _not_one(path, "is not called", "keep a module that the model calls")
            if path in answers:
                raise _not_one(path, "is the name of a result of the model", "rename that")
            answers[path] = self.values[path]
        return answers


def _not_one(path: str, reason: str, cure: str) -> CompileError:
    return CompileError(Refusal(f"keep: {path}", "", reason, cure))
