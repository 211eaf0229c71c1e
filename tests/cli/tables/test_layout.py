from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from signbit.cli.tables.layout import NARROWEST, Titled, lay_out, wrapped
from signbit.cli.tables.short_names import shortened

often = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=60,
)
letters = st.characters(codec="utf-8", categories=["L", "N", "P", "S"], include_characters=" ")
text = st.text(letters, max_size=90)
names = st.lists(
    st.from_regex(r"(layers|blocks)(\.[0-9]{1,3}){1,9}\.(conv|a_quite_long_name)", fullmatch=True)
    | text,
    max_size=9,
)


@st.composite
def tables(draw: st.DrawFn) -> Titled:
    first = draw(names)
    columns = draw(st.lists(st.sampled_from(["op", "why", "bytes", "at threshold"]), max_size=11))
    cell = st.one_of(text, st.integers(0, 10**9).map(str), st.just(""))
    rows = [[name, *(draw(cell) for _ in columns)] for name in first]
    words = draw(st.sets(st.integers(0, len(columns))))
    return Titled("t", ["layer", *columns], rows, words, draw(st.booleans()))


def letters_of(texts: list[str]) -> list[str]:
    return sorted("".join("".join(each.split()) for each in texts))


@often
@given(tables(), st.sampled_from([1, 20, 40, 60, 80, 200]) | st.integers(1, 300))
def test_nothing_is_longer_than_the_terminal_and_nothing_is_lost(table: Titled, width: int) -> None:
    header, body = lay_out(table, width)
    assert all(cell_len(line) <= max(width, NARROWEST) for line in [*header, *body])
    assert letters_of(header) == letters_of(list(table.columns))
    kept = [cell for row in table.rows for cell in row]
    if not table.names:
        assert letters_of(body) == letters_of(kept)
    for row in table.rows:
        assert not set("".join(row[1:])) - set("".join(body))


@often
@given(tables())
def test_each_row_is_one_line_where_there_is_room(table: Titled) -> None:
    header, body = lay_out(table, 10_000)
    assert len(header) == 1
    assert len(body) == len(table.rows)


@often
@given(names, st.integers(3, 100))
def test_short_names_are_short_or_whole_and_stay_different(names: list[str], width: int) -> None:
    short = shortened(names, width)
    assert len(set(short)) == len(set(names))
    assert all(cell_len(each) <= width for each in short) or short == names
    for name, each in zip(names, short, strict=True):
        head, ellipsis, tail = each.partition("…")
        if each != name:
            assert ellipsis
            assert name.startswith(head)
            assert name.endswith(tail)


def test_where_no_cut_tells_names_apart_they_are_whole() -> None:
    names = [f"{'a' * 30}{letter}{'b' * 30}" for letter in "xyz"]
    assert shortened(names, 20) == names
    assert len(set(shortened(names, 59))) == 3


@often
@given(text, st.integers(4, 100))
def test_wrapped_text_is_the_text(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_columns_that_do_not_fit_go_below_with_their_titles() -> None:
    table = Titled(
        "t",
        ["layer", "why", "bytes", "ms"],
        [["conv1", "reads pixels, so it is real", "1,024", "0.1"], ["fc", "binary", "8", "12.3"]],
        (0, 1),
    )
    assert [*lay_out(table, 30)[0], "", *lay_out(table, 30)[1]] == [
        "  layer",
        "      why",
        "      bytes    ms",
        "",
        "  conv1",
        "      reads pixels, so it is",
        "      real",
        "      1,024   0.1",
        "  fc",
        "      binary",
        "          8  12.3",
    ]
    assert lay_out(table, 60)[0] == ["  layer  why                          bytes    ms"]
