from __future__ import annotations

import json
import sys

import pytest

from signbit.cli import console


@pytest.mark.parametrize(
    ("count", "unit", "expected"),
    [
        (0, "", "0"),
        (999, "", "999"),
        (18_432, "", "18.4k"),
        (1_179_648, "", "1.18M"),
        (999_999, "", "1000k"),
        (3e9, "", "3.00G"),
        (12, "B", "12 B"),
        (267_688, "B", "268 kB"),
    ],
)
def test_compact(count: float, unit: str, expected: str) -> None:
    assert console.compact(count, unit) == expected


def test_json_is_the_only_thing_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with console.figures_only():
        print("a library's chatter")
    console.say("a word to the person")
    table = console.table("title", ["name", "figure"], [["a", 1]])
    console.publish({"größe": 1.5}, [table], as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"größe": 1.5}
    assert "chatter" in err
    assert "a word" in err


def test_tables_are_not_cropped_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert not sys.stdout.isatty()
    long = "a.very.long.name." * 9
    console.publish({}, [console.table("t", ["name", "figure"], [[long, 1234567]])], as_json=False)
    out = capsys.readouterr().out
    assert long in out
    assert "1,234,567" in out


def test_top1_is_shown_in_percent(capsys: pytest.CaptureFixture[str]) -> None:
    console.publish({}, [console.figures_table("t", {"top1": 0.9731, "loss": 0.5})], as_json=False)
    out = capsys.readouterr().out
    assert "97.31 %" in out
    assert "0.500" in out


@pytest.mark.parametrize("as_json", [False, True])
def test_of_several_processes_the_first_one_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in (0, 1):
        monkeypatch.setenv("RANK", str(rank))
        console.publish({"a": 1}, [console.figures_table("t", {"a": 1})], as_json=as_json)
        console.say("next")
        out, err = capsys.readouterr()
        assert (bool(out), bool(err)) == (rank == 0, rank == 0)
