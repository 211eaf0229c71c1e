"""Shortcuts around binary convolutions, each from its own input, as Bi-Real Net has them.

Liu et al. 2018, "Bi-Real Net: Enhancing the Performance of 1-bit CNNs with Improved
Representational Capability and Advanced Training Algorithm". A shortcut of the network's own that
spans several of them is made shorter: y = A(x) + x, z = B(y) + x become y = A(x) + x,
z = B(y) + y, and where A changes the shape, so that s(x) goes around both, y = A(x) + s(x),
z = B(y) + y.
"""

from __future__ import annotations

import operator
from typing import NamedTuple

from torch import fx, nn

from signbit.binarizing.activations import SUMS
from signbit.binarizing.choosing import follower
from signbit.binarizing.tracing import LAYERS, ancestors, changes_in_place, module_of, shape
from signbit.nn.layers import BinaryConv2d, BinaryLinear

__all__ = ["Shortcuts", "Verdict"]


class Verdict(NamedTuple):
    """What became of a convolution's shortcut ("added", "moved", "as it was", "none"), and why."""

    becomes: str
    why: str


class _Place(NamedTuple):
    """The end of a layer, its shortcut included, and what the layer and the shortcut begin with."""

    layer: fx.Node
    source: fx.Node
    added: fx.Node | None


class Shortcuts:
    """The shortcuts of one traced network, whose layers come in their order."""

    def __init__(self, root: fx.GraphModule) -> None:
        self._root = root
        self._ends: dict[fx.Node, _Place] = {}
        self.verdicts: dict[fx.Node, Verdict] = {}

    def around(self, node: fx.Node, normal: fx.Node) -> None:
        """See to the shortcut of the layer that `node` calls, from its input to `normal`."""
        source = node.all_input_nodes[0]
        verdict = verdict_on(self._root, node, normal)
        end, added = normal, None
        if verdict.becomes == "added":
            end, added = self._sum(normal, source), source
        elif verdict.becomes == "as it was" and self._shortened(source, normal):
            verdict = Verdict("moved", "the network's goes around more layers")
        self._ends[end] = _Place(node, source, added)
        self.verdicts[node] = verdict

    def _shortened(self, source: fx.Node, normal: fx.Node) -> bool:
        """Let the sum behind `normal` begin with `source`, and the layer before with the rest."""
        total = follower(self._root, normal, _BETWEEN)
        assert total is not None
        others = [each for each in total.all_input_nodes if normal not in (each, *ancestors(each))]
        before = self._layer_before(source)
        if len(others) != 1 or before is None or total.kwargs or shape(source) != shape(normal):
            return False
        (other,) = others
        place = self._ends[before]
        while place.added is not other:
            if place.added is None and self._may_move(other, before, place):
                self._move_up(other, before)
                self._ends[self._sum(before, other)] = place._replace(added=other)
                self.verdicts[place.layer] = Verdict(
                    "moved", "the network's goes around more layers"
                )
                break
            further = self._layer_before(place.source)
            if further is None:
                return False
            before, place = further, self._ends[further]
        total.target = operator.add  # nothing is changed in place that others read
        total.replace_input_with(other, source)
        return True

    def _layer_before(self, node: fx.Node) -> fx.Node | None:
        """The end of the binary layer whose values `node` has behind functions of one tensor."""
        while node not in self._ends:
            if len(node.all_input_nodes) != 1 or isinstance(module_of(self._root, node), _LAYERS):
                return None
            (node,) = node.all_input_nodes
        return node

    def _may_move(self, other: fx.Node, end: fx.Node, place: _Place) -> bool:
        """Whether `other`, from the input of the layer that ends with `end`, may come there."""
        parts = {other, *ancestors(other)}
        read = {each for part in self._late(other, end) for each in part.all_input_nodes}
        return (
            shape(other) == shape(end)
            and place.source in parts
            and end not in parts
            and not any(changes_in_place(self._root, user) for each in read for user in each.users)
        )

    def _late(self, other: fx.Node, end: fx.Node) -> list[fx.Node]:
        """What is computed behind `end` for `other`, and itself if it is."""
        order = [*self._root.graph.nodes]
        needed = {other, *ancestors(other)}
        return [each for each in order[order.index(end) + 1 :] if each in needed]

    def _move_up(self, other: fx.Node, end: fx.Node) -> None:
        for each in self._late(other, end):
            end.append(each)
            end = each

    def _sum(self, end: fx.Node, added: fx.Node) -> fx.Node:
        users = list(end.users)
        order = {each: index for index, each in enumerate(self._root.graph.nodes)}
        with self._root.graph.inserting_after(max(end, added, key=order.__getitem__)):
            total = self._root.graph.call_function(operator.add, (end, added))
        total.meta = dict(end.meta)
        for user in users:
            user.replace_input_with(end, total)
        return total


_BETWEEN = (nn.Dropout, nn.Identity)
_LAYERS = (*LAYERS, BinaryConv2d, BinaryLinear)


def verdict_on(root: nn.Module, node: fx.Node, normal: fx.Node) -> Verdict:
    """What becomes of a shortcut from a layer's input to `normal`, where nothing else moves."""
    after = follower(root, normal, _BETWEEN)
    if after is not None and after.target in SUMS:
        return Verdict("as it was", "the network has one there")
    if shape(node.all_input_nodes[0]) != shape(normal):
        return Verdict("none", "input and result have other shapes")
    return Verdict("added", "what signs lose goes past them")
