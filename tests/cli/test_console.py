from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

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


def test_small_figures_keep_digits() -> None:
    table = console.table(
        "t", ["a", "b"], [["x", value] for value in (1e-5, 0.0042, 0.0, -1e-7, 2.5)]
    )
    assert [row[1] for row in table.rows] == ["1e-05", "0.0042", "0.000", "-1e-07", "2.500"]


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


def test_a_command_is_what_a_shell_reads(tmp_path: Path) -> None:
    for name in (
        "plain",
        "my run",
        "-o",
        "it's",
        "$HOME",
        "*",
        'a"b',
        "tab\tnew\nline\x1b\\'",
        "é日",
    ):
        line = console.command("compile", Path(name), "-o", tmp_path / name)
        assert line.isprintable()
        words = subprocess.run(
            ["bash", "-c", f"signbit() {{ printf '%s\\0' \"$@\"; }}; {line}"],
            capture_output=True,
            check=True,
            env={"LC_ALL": "C.UTF-8"},
        ).stdout.split(b"\0")
        shown = f"./{name}" if name.startswith("-") else name
        assert [os.fsdecode(word) for word in words[:-1]] == [
            "compile", shown, "-o", str(tmp_path / name)
        ]  # fmt: skip


def test_what_is_said_cannot_be_taken_for_something_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.say("photo\nsignbit: error: [red]all is lost\x1b[2J.jpg: left out")
    assert capsys.readouterr().err == (
        r"photo\nsignbit: error: [red]all is lost\x1b[2J.jpg: left out" + "\n"
    )


def test_cells_titles_and_sentences_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = "[/] [bold]x[/bold] :smile: \x1b[1m"
    table = console.table(nasty, ["name"], [[nasty]])
    console.publish({}, [nasty, table], as_json=False)
    out = capsys.readouterr().out
    assert out.count(r"[/] [bold]x[/bold] :smile: \x1b[1m") == 3
    assert "\x1b" not in out


def test_without_unicode_signs_are_alike_and_names_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_ = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(bytes_, "ascii"))
    console.publish({}, [console.table("8×8", ["größe"], [["日"]])], as_json=False)
    sys.stdout.flush()
    lines = bytes_.getvalue().decode("ascii").splitlines()
    assert [line.strip() for line in lines if line.strip()] == [
        "8x8", r"gr\xf6\xdfe", "-" * 13, r"\u65e5"
    ]  # fmt: skip
