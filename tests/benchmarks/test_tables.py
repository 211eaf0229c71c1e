from __future__ import annotations

import pytest

from measuring.tables import figure, table


def test_columns_are_aligned() -> None:
    assert table(("", "ms"), [("ours", 1), ("a longer name", 22)]).splitlines() == [
        "|               | ms |",
        "|---------------|----|",
        "| ours          | 1  |",
        "| a longer name | 22 |",
    ]


def test_a_short_row_is_refused() -> None:
    with pytest.raises(ValueError, match="as long as its head"):
        table(("a", "b"), [("only one",)])


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (1234.5, "1,234"), (99.94, "99.9"), (1.234, "1.23"), (0.01234, "0.0123")],
)
def test_figures_keep_three_digits(value: float | None, text: str) -> None:
    assert figure(value) == text
