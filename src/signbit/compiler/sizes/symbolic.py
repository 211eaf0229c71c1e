"""Follows a model with height and width left open: is it the same model at every size?

torch.export notes what must hold of the sizes. What the model's own code asks is refused wherever
some size gives another answer. torch's own notes are mostly about sizes that are too small, so they
only say which sizes are worth a trial, unless they leave no other size.
"""

from __future__ import annotations

from typing import Any

import sympy
import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from signbit.bitformat.graph import Pair
from signbit.compiler.checks.guards import Watch, open_inputs, watched
from signbit.compiler.exporting.exported import open_sizes
from signbit.compiler.exporting.places import is_of_torch
from signbit.compiler.sizes.operations import require_no_fixed_sizes
from signbit.errors import CompileError, Refusal

__all__ = ["require_open_sizes"]

_HEIGHT, _WIDTH = 2, 3
_FACTORS = (*range(2, 10), 17, 33)
"""A note that no such multiple of a size meets leaves no other size."""
_CURE = (
    "for a file of any size take the mean of each map (nn.AdaptiveAvgPool2d(1)) in front of a "
    "linear layer, and leave out parameters of a map's size"
)


def require_open_sizes(model: nn.Module, input_size: tuple[int, int, int]) -> list[Pair]:
    """Refuse a model that is not the same at every height and width.

    model: in evaluation mode. input_size: (height, width, channels), at which it can be exported.
    Returns sizes (height, width) that torch's own code tells apart from this one, most distant
    last. Raises CompileError naming the module, its line where it is the model's own, what fixes
    the size, and the cure.
    """
    height, width, channels = input_size
    base = (height, width)
    watch = Watch(lambda guard, sizes: _is_at_fault(guard, sizes, base))
    try:
        with watched(model, watch), open_sizes():
            program = _exported(model, torch.zeros(2, channels, height, width))
    except Exception as error:  # a model of anyone's, which raises what it likes
        _refuse_fault(watch, base)
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CompileError(
            Refusal(
                watch.running,
                "",
                f"cannot be followed for images of any height and width: {reason}",
                _CURE,
            )
        ) from error
    _refuse_fault(watch, base)
    (name,) = program.graph_signature.user_inputs
    image = next(fx for fx in program.graph.nodes if fx.name == name).meta["val"]
    sizes = {dim: size.node.expr for dim, size in enumerate(image.shape) if _is_open(size)}
    if len({sizes.get(_HEIGHT), sizes.get(_WIDTH)} - {None}) != 2:
        reason = f"works for images of {_times(base)} alone"
        raise CompileError(Refusal("the model", "", reason, _CURE))
    require_no_fixed_sizes(program, {sizes[_HEIGHT], sizes[_WIDTH]})
    return _told_apart(image.shape[_HEIGHT].node.shape_env.guards, sizes, base)


def _exported(model: nn.Module, example: torch.Tensor) -> ExportedProgram:
    open_dimensions = {0: Dim("batch"), _HEIGHT: Dim.AUTO, _WIDTH: Dim.AUTO}
    return torch.export.export(
        model, (example,), dynamic_shapes=open_inputs(model, open_dimensions)
    )


def _is_open(size: Any) -> bool:
    return isinstance(size, torch.SymInt) and bool(size.node.expr.free_symbols)


def _is_at_fault(guard: Any, sizes: dict[int, Any], base: Pair) -> bool:
    """Whether the model's own code asks for the size, or torch's leaves no other one."""
    asked = {sizes[dim] for dim in (_HEIGHT, _WIDTH) if dim in sizes} & guard.expr.free_symbols
    if not asked:
        return False
    if is_of_torch(guard):
        return bool(_fixed(guard, sizes, base))
    # Every size is 1 or more.
    natural = {
        symbol: 1 + sympy.Dummy(integer=True, nonnegative=True)
        for symbol in guard.expr.free_symbols
    }
    return bool(guard.expr.subs(natural) != sympy.true)


def _holds(guard: Any, sizes: dict[int, Any], size: Pair) -> bool:
    """Whether torch's note is met by two images of this size."""
    return bool(guard.expr.subs({sizes.get(0): 2, sizes[_HEIGHT]: size[0], sizes[_WIDTH]: size[1]}))


def _fixed(guard: Any, sizes: dict[int, Any], base: Pair) -> str:
    """What torch's note leaves, in words; empty where it leaves other sizes."""
    if _HEIGHT not in sizes or _WIDTH not in sizes:
        return ""
    height, width = base
    other_heights = any(_holds(guard, sizes, (k * height, width)) for k in _FACTORS)
    other_widths = any(_holds(guard, sizes, (height, k * width)) for k in _FACTORS)
    if other_heights and other_widths:
        return ""
    if other_heights or other_widths:
        return f"of width {width} alone" if other_heights else f"of height {height} alone"
    if any(_holds(guard, sizes, (k * height, k * width)) for k in _FACTORS):
        return "whose height and width belong together"
    return f"of {_times(base)} alone"


def _refuse_fault(watch: Watch, base: Pair) -> None:
    if watch.guard is None:
        return
    if not is_of_torch(watch.guard):
        raise CompileError(
            watch.refusal(
                "asks for the height or width of the images",
                "for a file of any size leave out what depends on them",
            )
        )
    fixed = _fixed(watch.guard, watch.sizes, base)
    raise CompileError(watch.refusal(f"works for images {fixed}", _CURE))


def _told_apart(guards: list[Any], sizes: dict[int, Any], base: Pair) -> list[Pair]:
    """The nearest size that does not meet each of torch's notes, where there is one."""
    height, width = base
    near = [1, -1, 2, -2, 3, -3, height, 2 * height, -height // 2, 1 - height]
    near += [width, -width // 2, 1 - width]
    changes = [(dy, dx) for change in near for dy, dx in ((change, 0), (0, change))]
    changes += [(change, change) for change in near]
    trials = [(height + dy, width + dx) for dy, dx in changes]
    trials = [size for size in dict.fromkeys(trials) if min(size) >= 1]
    found: list[Pair] = []
    for guard in {guard.expr: guard for guard in guards}.values():
        if any(not _holds(guard, sizes, size) for size in found):
            continue
        found += [size for size in trials if not _holds(guard, sizes, size)][:1]
    return found


def _times(size: Pair) -> str:
    return f"{size[0]}×{size[1]}"
