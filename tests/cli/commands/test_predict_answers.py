"""Files of answers: `predict --out`, written line by line, gone on with, never overwritten."""

from __future__ import annotations

import base64
import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

import signbit


@pytest.mark.parametrize("name", ["answers.csv", "ANSWERS.CSV"])
def test_answers_in_a_csv_file(cli: Cli, model_file: Path, bad_album: Path, name: str) -> None:
    odd = bad_album / 'a "quoted", name\n.png'
    (bad_album / "02.png").rename(odd)
    out = bad_album / name
    shown = cli("predict", model_file, bad_album, "--out", out, "--top", "2")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.splitlines()[-1] == f"{out}: has 29 answers"
    with out.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["file", "class", "probability", "class_2", "probability_2"]
    assert len(rows) == 29
    assert str(odd) in [row[0] for row in rows]
    engine = signbit.load(model_file)
    for path, *found in rows:
        expected = engine.predict(path).top(2)
        assert [(found[0], float(found[1])), (found[2], float(found[3]))] == expected


def test_answers_in_a_json_lines_file(cli: Cli, model_file: Path, bad_album: Path) -> None:
    out = bad_album.parent / "answers.jsonl"
    shown = cli("predict", model_file, bad_album, "--out", out, "--json")
    figures = json.loads(shown.out)
    assert (figures["out"], figures["written"], len(figures["skipped"])) == (str(out), 29, 4)
    printed = json.loads(cli("predict", model_file, bad_album, "--json").out)["photos"]
    assert [json.loads(line) for line in out.read_text("utf-8").splitlines()] == printed


def test_a_file_that_is_there_is_kept(
    cli: Cli, model_file: Path, photo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "answers.csv"
    out.write_text("my own")
    assert (
        "--resume goes on, --overwrite replaces it"
        in cli("predict", model_file, photo, "--out", out).mistake
    )
    assert out.read_text() == "my own"
    assert cli("predict", model_file, photo, "--out", out, "--overwrite").code == 0
    assert out.read_text().startswith("file,class,probability\n")
    out.write_text("")
    assert cli("predict", model_file, photo, "--out", out).code == 0
    for bad in ("answers.txt", "answers"):
        mistake = cli("predict", model_file, photo, "--out", tmp_path / bad).mistake
        assert "must end in .csv or .jsonl" in mistake
        assert not (tmp_path / bad).exists()
    mistake = cli("predict", model_file, photo, "--out", tmp_path / "gone/a.csv").mistake
    assert f"gone/a.csv: there is no folder {tmp_path}/gone; make it first" in mistake


def test_options_about_a_file_are_one_and_have_a_file(
    cli: Cli, model_file: Path, photo: Path, tmp_path: Path
) -> None:
    for option in ("--resume", "--overwrite"):
        assert "add --out FILE" in cli("predict", model_file, photo, option).mistake
    out = tmp_path / "answers.csv"
    out.write_text("my own")
    both = ("--out", out, "--resume", "--overwrite")
    assert "give only one" in cli("predict", model_file, photo, *both).mistake
    assert out.read_text() == "my own"


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_names_that_are_not_utf8_lose_nothing(
    cli: Cli, model_file: Path, photo: Path, tmp_path: Path, ending: str
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    raw = os.fsencode(folder) + b"/caf\xe9.png"
    try:
        photo.rename(os.fsdecode(raw))
    except OSError:
        pytest.skip("this file system only takes names in UTF-8")
    out = tmp_path / f"answers.{ending}"
    shown = cli("predict", model_file, folder, "--out", out)
    assert shown.code == 0, shown.err
    if ending == "csv":
        assert out.read_bytes().splitlines()[1].startswith(raw + b",")
    else:
        assert base64.b64decode(json.loads(out.read_text())["file"]["base64"]) == raw
    assert cli("predict", model_file, folder).code == 0


def test_what_is_done_stays_when_interrupted(model_file: Path, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(10_000):
        (folder / f"{index}.png").hardlink_to(photo)
    out = tmp_path / "answers.csv"
    command = subprocess.Popen(
        [sys.executable, "-m", "signbit", "predict", model_file, folder, "--out", out],
        stderr=subprocess.PIPE,
    )
    while not out.is_file() or out.stat().st_size < 10_000:
        assert command.poll() is None
        time.sleep(0.01)
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=20)
    assert command.returncode == 130
    assert b"Traceback" not in err
    assert b"--resume goes on with it" in err
    text = out.read_text()
    assert text.endswith("\n")
    assert 64 < len(text.splitlines()) < 10_000
    assert {len(row) for row in csv.reader(text.splitlines())} == {3}


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("cut", [0, 5])
def test_a_file_is_gone_on_with(
    cli: Cli, model_file: Path, bad_album: Path, tmp_path: Path, ending: str, cut: int
) -> None:
    (bad_album / "09.png").rename(bad_album / '09, "\udce9".png')
    whole, part = tmp_path / f"whole.{ending}", tmp_path / f"part.{ending}"
    assert cli("predict", model_file, bad_album, "--out", whole, "--top", "2").code == 1
    lines = whole.read_bytes().splitlines(keepends=True)
    for count in (2, 11, len(lines)):
        part.write_bytes(b"".join(lines[:count])[: -cut or None])
        done = cli("predict", model_file, bad_album, "--out", part, "--top", "2", "--resume")
        assert done.code == 1
        assert part.read_bytes() == whole.read_bytes()
    gone_on = cli(
        "predict", model_file, bad_album, "--out", part, "--top", "2", "--resume", "--json"
    )
    assert json.loads(gone_on.out)["written"] == 29


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_file_of_another_command_is_not_gone_on_with(
    cli: Cli, model_file: Path, photo: Path, album: Path, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / f"answers.{ending}"
    for text in ("my own\n", "file,class,probability,class_2,probability_2\n", "{}\n", "[1]\n"):
        out.write_text(text)
        mistake = cli("predict", model_file, photo, "--out", out, "--resume").mistake
        assert f"answers.{ending}: is no file of the same command" in mistake
        assert out.read_text() == text
    # The photo is another one by now.
    assert cli("predict", model_file, photo, "--out", out, "--overwrite").code == 0
    before = out.read_bytes()
    photo.write_bytes((album / "03.png").read_bytes())
    mistake = cli("predict", model_file, photo, album, "--out", out, "--resume").mistake
    assert "has another answer for" in mistake
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("ending", "line", "why"),
    [
        ("csv", "", "of the columns it has class_2, probability_2;"),
        ("jsonl", "", "it has 2 classes for a photo, not 1; --top 2 is its number;"),
        ("csv", "file,similar,cosine\n", "it has similar, cosine and lacks class, probability;"),
        (
            "jsonl",
            '{"file": "a", "nearest": []}\n',
            "of the keys it has nearest and lacks classes;",
        ),
    ],
)
def test_what_differs_from_the_file_of_another_command_is_told(
    cli: Cli, model_file: Path, photo: Path, tmp_path: Path, ending: str, line: str, why: str
) -> None:
    out = tmp_path / f"answers.{ending}"
    assert cli("predict", model_file, photo, "--out", out, "--top", "2").code == 0
    if line:
        out.write_text(line)
    mistake = cli("predict", model_file, photo, "--out", out, "--resume").mistake
    assert why in mistake


def test_answers_in_json_wait_on_the_disk(
    cli: Cli, model_file: Path, bad_album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bad_album / "01.png").rename(bad_album / "größe.png")
    before = cli("predict", model_file, bad_album, "--json").out
    monkeypatch.setattr("signbit.cli.answers._IN_MEMORY", 1)
    assert cli("predict", model_file, bad_album, "--json").out == before
    assert "größe.png" in before
    assert len(json.loads(before)["photos"]) == 29


def test_a_full_disk_is_named(cli: Cli, model_file: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "full.csv"
    out.symlink_to("/dev/full")
    assert "full.csv: No space left" in cli("predict", model_file, photo, "--out", out).mistake
