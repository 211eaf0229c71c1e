from __future__ import annotations

import base64
import io
import json
import os
from typing import Any

import pytest

from signbit.cli.as_json import is_wanted, plain_text, print_json


def printed(capsys: pytest.CaptureFixture[str], figures: dict[str, object]) -> Any:
    print_json(figures)
    return json.loads(capsys.readouterr().out)


def test_text_and_numbers_are_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"größe": 1.5, "b": [1, True, None, {"c": "½ 🙂"}], "d": -0.0}
    assert printed(capsys, figures) == figures


def test_what_is_not_finite_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"a": float("nan"), "b": [float("inf"), (-float("inf"), 2.0)]}
    assert printed(capsys, figures) == {"a": None, "b": [None, [None, 2.0]]}


@pytest.mark.parametrize(
    "name", [b"caf\xe9.jpg", b"\xff\xfe", b"\xc3\xa9\xc3", bytes(range(1, 255))]
)
def test_a_file_name_in_another_encoding_is_its_bytes(
    capsys: pytest.CaptureFixture[str], name: bytes
) -> None:
    found = printed(capsys, {"photos": [{"file": os.fsdecode(name)}]})
    assert found == {"photos": [{"file": {"base64": base64.b64encode(name).decode()}}]}
    assert plain_text(found["photos"][0]["file"]) == os.fsdecode(name)


def test_half_a_surrogate_pair_is_bytes_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, {"a": "\ud800"}) == {"a": {"base64": "7aCA"}}


def test_a_terminal_without_unicode_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, "ascii"))
    print_json({"a": "é"})
    assert written.getvalue() == b'{"a": "\\u00e9"}\n'


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], False),
        (["a", "--json"], True),
        (["--json", "--", "b"], True),
        (["--", "--json"], False),
    ],
)
def test_json_is_wanted_by_its_option(words: list[str], wanted: bool) -> None:
    assert is_wanted(words) is wanted


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_list_is_written_item_by_item(encoding: str) -> None:
    for figures, items in (({"a": 1}, ["ä", {"b": None}]), ({}, []), ({}, [1.5])):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        lines = (json.dumps(item, ensure_ascii=False) + "\n" for item in items)
        print_json(figures, stream, rest=("list", lines))
        stream.seek(0)
        assert json.loads(stream.read()) == {**figures, "list": items}
