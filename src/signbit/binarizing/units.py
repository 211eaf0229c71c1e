"""Convolutions handed over with what follows them, so that one native op may train all of it.

`signbit.nn.blocks.normalised_conv` decides at every call; what it computes is the same.
"""

from __future__ import annotations

from torch import Tensor, fx, nn

from signbit.binarizing.activations import SUMS
from signbit.binarizing.layers import calls
from signbit.binarizing.tracing import changes_in_place, module_of, shape
from signbit.nn.blocks import normalised_conv
from signbit.nn.layers import BinaryConv2d

__all__ = ["join_units"]

_NOTHING = nn.Identity()


def join_units(root: fx.GraphModule) -> None:
    """Join each convolution, its pool, normalisation and sum to one call in the root's graph.

    Only where nobody else reads what is in between, and nothing there is changed in place.
    """
    for node in [*root.graph.nodes]:
        conv = module_of(root, node)
        if isinstance(conv, BinaryConv2d | nn.Conv2d) and len(node.args) == 1:
            _join(root, node, binary=isinstance(conv, BinaryConv2d))


def _join(root: fx.GraphModule, node: fx.Node, *, binary: bool) -> None:
    chain = [node]
    pool = _next(root, chain, nn.MaxPool2d) if binary else None
    norm = _next(root, chain, nn.BatchNorm2d)
    if norm is None:
        return
    added = _sum(chain) if binary else None
    clip = _next(root, chain, nn.Hardtanh)
    last = chain[-1]
    order = [*root.graph.nodes]
    between = order[order.index(node) : order.index(last)]
    if any(changes_in_place(root, each) for each in between if each not in chain):
        return
    with root.graph.inserting_before(last):
        conv, bn = (root.graph.get_attr(str(each.target)) for each in (node, norm))
        window = None if pool is None else root.graph.get_attr(str(pool.target))
        bend = None if clip is None else root.graph.get_attr(str(clip.target))
        unit = root.graph.call_function(_unit, (conv, bn, bend, node.args[0], added, window))
    unit.meta = dict(last.meta)
    last.replace_all_uses_with(unit)
    for each in reversed(chain):
        root.graph.erase_node(each)


def _unit(
    conv: nn.Module,
    norm: nn.Module,
    clip: nn.Module | None,
    x: Tensor,
    added: Tensor | None,
    pool: nn.Module | None,
) -> Tensor:
    return normalised_conv(conv, norm, _NOTHING if clip is None else clip, x, added, pool=pool)


def _next(root: fx.GraphModule, chain: list[fx.Node], kind: type[nn.Module]) -> fx.Node | None:
    """The call of a `kind` that alone reads the end of the chain, which it then ends."""
    users = [*chain[-1].users]
    if len(users) != 1 or type(module_of(root, users[0])) is not kind or calls(users[0]) > 1:
        return None
    chain.append(users[0])
    return users[0]


def _sum(chain: list[fx.Node]) -> fx.Node | None:
    """What is added to the end of the chain, and nothing else done with it; the sum ends it."""
    end = chain[-1]
    users = [*end.users]
    if len(users) != 1 or users[0].target not in SUMS or users[0].kwargs:
        return None
    others = [each for each in users[0].args if each is not end]
    if len(others) != 1 or not isinstance(others[0], fx.Node) or shape(others[0]) != shape(end):
        return None
    chain.append(users[0])
    return others[0]
