"""Which way each layer takes, a native op or its modules, and why."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from signbit.nn import select
from signbit.nn.binarizers.weights import BinaryWeight
from signbit.nn.blocks import ConvBlock
from signbit.nn.choices import Choice, recorded_choices
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.nn.module_state import unchanged
from signbit.nn.nonlinearities import Maxout, RPReLU

__all__ = ["LayerPath", "why"]

_UNITS = ("binary_unit", "real_unit")


@dataclass(frozen=True)
class LayerPath:
    """The way of one layer: `module` is its dotted name, `kind` its class."""

    module: str
    kind: str
    path: str
    """"unit": one native op computes it with its normalisation and what is added; "native": an op
    of its own; "reference": its modules in PyTorch's operations."""
    reason: str
    """Why it is no unit, or not native; empty for a unit."""


def why(module: nn.Module, images: Tensor | None = None) -> list[LayerPath]:
    """Which way each layer in `module` takes that native ops know, and the reason.

    With `images` (whatever `module` takes), a call in the present mode decides; mode, buffers and
    random numbers are left as they were. Without `images`, the layers alone decide, for a float32
    input on a CPU. Then a layer that something other than a ConvBlock hands to `normalised_conv` is
    shown by itself, and what only an input decides (its type, device, memory) is not considered.

    >>> why(BinaryConv2d(16, 16, 3, groups=8))[0].path
    'reference'
    """
    names = {part: name for name, part in module.named_modules()}
    choices: dict[nn.Module, list[Choice]] = {}
    for choice in _expected(module) if images is None else _made(module, images):
        if choice.module in names:
            choices.setdefault(choice.module, []).append(choice)
    return [_path(names[part], part, choices[part]) for part in names if part in choices]


def _made(module: nn.Module, images: Tensor) -> list[Choice]:
    with unchanged(module), torch.random.fork_rng(devices=[]), recorded_choices() as choices:
        module(images)
    return choices


def _expected(module: nn.Module) -> Iterator[Choice]:
    around = select.context(torch.zeros(()))
    for part in module.modules():
        if isinstance(part, ConvBlock):
            yield _expected_unit(part, around)
        if isinstance(part, BinaryConv2d):
            reason = around or select.sign_conv(part, _weight_of(part), None)
            yield Choice(part, "sign_conv2d", reason)
        elif isinstance(part, BinaryLinear):
            reason = around or select.sign_linear(part, _weight_of(part), None)
            yield Choice(part, "sign_conv2d", reason)
        elif isinstance(part, RPReLU):
            yield Choice(part, "rprelu", around or select.rprelu(part))
        elif isinstance(part, Maxout):
            yield Choice(part, "maxout", around or select.maxout(part))


def _expected_unit(block: ConvBlock, around: str | None) -> Choice:
    conv, *pool, norm, _ = block
    if not isinstance(conv, BinaryConv2d):
        reason = "a real unit has no pool" if pool else select.real_unit(conv, norm)
        return Choice(conv, "real_unit", around or reason)
    reason = around or select.binary_unit(
        conv, BinaryConv2d.forward, norm, pool[0] if pool else None
    )
    return Choice(conv, "binary_unit", reason or select.unit_weight(conv, _weight_of(conv)))


def _weight_of(layer: BinaryConv2d | BinaryLinear) -> BinaryWeight:
    """The layer's binarized weight. A copy binarizes it, as a binarizer may draw or count."""
    with torch.random.fork_rng(devices=[]):
        weight: BinaryWeight = copy.deepcopy(layer.weight_binarizer)(layer.weight)
    return weight


def _path(name: str, module: nn.Module, choices: list[Choice]) -> LayerPath:
    refused = {choice.op: choice.reason for choice in choices if choice.reason is not None}
    taken = {choice.op for choice in choices if choice.reason is None}
    unit = next((refused[op] for op in _UNITS if op in refused), None)
    own = next((reason for op, reason in refused.items() if op not in _UNITS), None)
    kind = type(module).__name__
    if taken & {*_UNITS}:
        return LayerPath(name, kind, "unit", "")
    if taken:
        return LayerPath(name, kind, "native", f"no unit: {unit}" if unit else "")
    return LayerPath(name, kind, "reference", own or unit or "")
