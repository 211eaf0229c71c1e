"""What verification demands of dots and sums of signs: those of PyTorch's own signs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from tests.compiler.file_nodes import adds_shortcut, written
from tests.compiler.nets import Array, compiled, pixels
from tests.compiler.small import SIZE, small_net

from signbit.compiler import Compiled
from signbit.compiler.verification.agreement import NodeAgreement
from signbit.compiler.verification.verify import verify_nodes
from signbit.runtime.reference import ReferenceEngine

COUNT = 2


@pytest.fixture(scope="module")
def adabin() -> Compiled:
    return compiled(small_net("adabin"), SIZE)


class Changed(ReferenceEngine):
    """The reference engine with one more in the last place of one array."""

    def __init__(self, data: bytes, changed: int | str | None) -> None:
        super().__init__(data)
        self.changed = changed

    def run_nodes(
        self, feeds: Mapping[int, Array], fetches: Iterable[int | str]
    ) -> dict[int | str, Array]:
        results = super().run_nodes(feeds, fetches)
        if self.changed is not None and self.changed in results:
            results[self.changed] = results[self.changed].copy()
            results[self.changed][-1, -1, -1, -1] += 1
        return results


def _found(result: Compiled, changed: int | str | None = None) -> dict[str, NodeAgreement]:
    engine = Changed(result.data, changed)
    nodes = verify_nodes(result, pixels(COUNT, SIZE, 3), engine=engine)
    return {node.name: node for node in nodes}


@pytest.mark.slow
def test_sums_of_signs_are_compared_too(adabin: Compiled) -> None:
    found = _found(adabin)
    assert all(node.agrees for node in found.values())
    height, width, channels = SIZE[0], SIZE[1], 1
    assert found["units.0.conv.signs"].dots == COUNT * height * width * channels
    assert found["linear.signs"].dots == COUNT


@pytest.mark.parametrize("name", ["units.1.conv.signs", "linear.signs"])
def test_one_wrong_sum_is_found(adabin: Compiled, name: str) -> None:
    (number,) = written(adabin.graph.nodes)[name]
    found = _found(adabin, number)
    assert found[name].dots_different == 1
    assert not found[name].agrees


def test_the_dots_of_a_merged_pair_are_those_of_both_convolutions(adabin: Compiled) -> None:
    node = next(node for node in adabin.graph.nodes if adds_shortcut(node, "tile"))
    found = _found(adabin)[node.name]
    assert found.dots == COUNT * 3 * 2 * 24
    assert found.dots_different == 0
    # The last channel is one of the second convolution's.
    found = _found(adabin, f"{node.name}#dots")[node.name]
    assert found.dots_different == 1


def test_a_changed_sum_does_not_reach_its_convolution(adabin: Compiled) -> None:
    """Every node is fed PyTorch's signs, also through the sums between."""
    (number,) = written(adabin.graph.nodes)["units.0.conv.signs"]
    found = _found(adabin, number)
    assert [name for name, one in found.items() if not one.agrees] == ["units.0.conv.signs"]
