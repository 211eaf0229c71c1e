from __future__ import annotations

from signbit.words import counted


def test_one_is_singular_and_all_else_plural() -> None:
    told = [counted(number, "class", "classes") for number in (0, 1, 2)]
    assert told == ["0 classes", "1 class", "2 classes"]
    assert [counted(number, "image") for number in (1, 3)] == ["1 image", "3 images"]
