from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from signbit.printable import encodable, printable

often = settings(
    deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 日本\u3000", "größe 日本\u3000"),
        ("a\nb\r\t", r"a\nb\r\t"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("gpj.\u202egnp", r"gpj.\u202egnp"),
        ("a\u200bb\ufeff\u2028", r"a\u200bb\ufeff\u2028"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), r"caf\xe9"),
        ("\ud800", r"\ud800"),
        ("[bold]a[/]", "[bold]a[/]"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@often
@given(st.text())
def test_a_terminal_has_nothing_to_act_on(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)
    assert printable(shown) == shown
    for encoding in ("ascii", "latin-1", "cp437", "utf-8", None):
        encodable(shown, encoding).encode(encoding or "ascii")


def test_signs_alike_where_the_encoding_lacks_them() -> None:
    assert encodable("8×8 → é", "ascii") == r"8x8 -> \xe9"
    assert encodable("8×8 é", "latin-1") == "8×8 é"
