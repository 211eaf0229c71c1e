from __future__ import annotations

import pytest

from measuring.interleave import interleave, median, ratio


def test_rounds_are_complete_and_the_order_reverses() -> None:
    order: list[str] = []

    def call(name: str) -> None:
        if not order or order[-1] != name:
            order.append(name)

    names = ["a", "b", "c"]
    contenders = {name: (lambda name=name: call(name)) for name in names}
    samples = interleave(contenders, seconds=0, pause=0)
    assert {name: len(values) for name, values in samples.items()} == dict.fromkeys(names, 3)
    # Calls that are counted out first, then a, b, c, then c, b, a, then a, b, c.
    assert "".join(order) == "abc" + "abc" + "ba" + "bc"


def test_it_goes_on_until_the_time_is_over() -> None:
    samples = interleave({"only": lambda: None}, seconds=0.2, pause=0.01)
    assert len(samples["only"]) > 3


def test_median_and_ratio_of_rounds() -> None:
    samples = {"slow": [2.0, 30.0, 4.0], "fast": [1.0, 10.0, 4.0]}
    assert median(samples, "slow") == 4.0
    # Round by round: 2, 3, 1.
    assert ratio(samples, "slow", "fast") == 2.0


def test_a_ratio_needs_the_same_rounds() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio({"slow": [1.0], "fast": [1.0, 2.0]}, "slow", "fast")
