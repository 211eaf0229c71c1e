from __future__ import annotations

import pytest

from signbit.bitformat.graph import Resize
from signbit.cli.tables.photographs import in_words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Resize(256), "shorter side scaled to 256, the centre cut out; bilinear"),
        (
            Resize(None, "bicubic", both_sides=(40, 36), aliased=True),
            "scaled to 40×36, the centre cut out; bicubic; without antialiasing",
        ),
        (
            Resize(letterbox=(114, 0, 7), colours="bgr"),
            "scaled to lie inside, bars of 114/0/7; bilinear; BGR",
        ),
        (
            Resize(9, colours="gray"),
            "shorter side scaled to 9, the centre cut out; bilinear; made gray",
        ),
    ],
)
def test_a_rule_in_a_line(rule: Resize, words: str) -> None:
    assert in_words(rule) == words
