"""Signs that moved in front of a concatenation, with the maths behind it: PyTorch has none of them.

They are excused where PyTorch's value lies next to its threshold, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from tests.compiler.nets import Array, compiled, pixels, pytorch_logits
from torch import Tensor, nn

from signbit.compiler import Compiled
from signbit.compiler.verification.agreement import NodeAgreement
from signbit.compiler.verification.node_comparison import NodeComparison
from signbit.compiler.verification.verify import verify_nodes
from signbit.nn.layers import BinaryConv2d
from signbit.runtime.reference import ReferenceEngine

SIZE = (4, 5, 3)
IMAGES = pixels(3, SIZE)


class Joined(nn.Module):
    """Two convolutions joined, scaled and shifted, and the signs of that in a binary layer.

    Of different windows, as they would be one otherwise.
    """

    def __init__(self, shift: float) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.convs = nn.ModuleList([nn.Conv2d(3, 2, 3, padding=1), nn.Conv2d(3, 2, 1)])
        self.shift = shift
        self.binary = BinaryConv2d(4, 3, 1)

    def reals(self, x: Tensor) -> Tensor:
        joined = torch.cat([conv(x) for conv in self.convs], 1)
        return joined * torch.tensor([1.0, -2.0, 0.5, 3.0]).reshape(-1, 1, 1) - self.shift

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.binary(self.reals(x))
        return y


class OneOtherSign(ReferenceEngine):
    """The reference engine with the first sign of the concatenation turned around."""

    def run_nodes(
        self, feeds: Mapping[int, Array], fetches: Iterable[int | str]
    ) -> dict[int | str, Array]:
        results = super().run_nodes(feeds, fetches)
        for number, array in results.items():
            if isinstance(number, int) and number == _joined_signs(self):
                results[number] = array.copy()
                results[number][0, 0, 0, 0] ^= 1
        return results


def _joined_signs(engine: ReferenceEngine) -> int:
    (number,) = (written[0] for node, written in engine.graph.written() if node.op == "concat")
    return number


def _found(result: Compiled) -> NodeAgreement:
    nodes = verify_nodes(result, IMAGES, engine=OneOtherSign(result.data))
    (concat,) = (node for node in nodes if node.op == "concat")
    return concat


def test_a_sign_that_is_not_next_to_its_threshold_is_a_difference() -> None:
    result = compiled(Joined(0.1).eval(), SIZE)
    assert all(node.agrees for node in verify_nodes(result, IMAGES))
    concat = _found(result)
    assert (concat.signs_different, concat.signs_near) == (1, [])


def test_a_sign_next_to_its_threshold_is_excused() -> None:
    model = Joined(0.0).eval()
    model.forward = model.reals  # type: ignore[method-assign]
    value = float(pytorch_logits(model, IMAGES)[0, 0, 0, 0])
    concat = _found(compiled(Joined(value - 2e-6).eval(), SIZE))
    assert concat.signs_different == 0
    (near,) = concat.signs_near
    assert (near.image, near.position) == (0, (0, 0, 0))


def test_margins_are_those_of_the_joined_signs() -> None:
    result = compiled(Joined(0.1).eval(), SIZE)
    engine = ReferenceEngine(result.data)
    comparison = NodeComparison(result, engine)
    comparison.add(0, [IMAGES])
    number = _joined_signs(engine)
    (concat,) = (node for node in result.graph.nodes if node.op == "concat")
    feeds = comparison.feeds(concat, {0: IMAGES})
    assert not set(feeds) & set(concat.inputs)
    margin = comparison.margin(number, feeds)
    parts = [comparison.margin(each, feeds) for each in concat.inputs]
    assert [part.any() for part in parts] == [False, False]  # PyTorch has no such signs
    assert margin.shape == (4,)
    assert (margin > 0).all()
    assert (margin < 1e-3).all()
    # Fed with PyTorch's own signs they must be equal.
    own = {each: np.zeros((3, *SIZE[:2], 2), np.uint8) for each in concat.inputs}
    assert not comparison.margin(number, own).any()
