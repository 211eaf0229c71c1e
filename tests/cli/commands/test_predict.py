from __future__ import annotations

import base64
import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.bitformat.samples import confident, sample
from tests.cli.conftest import TRAIN_EXTRA, Cli

import signbit
from signbit.bitformat import decode, encode
from signbit.bitformat.graph import GraphOutput


def test_photos_get_the_engines_own_probabilities(
    cli: Cli, model_file: Path, photo: Path, tmp_path: Path
) -> None:
    white = tmp_path / "white.png"
    Image.new("RGB", (30, 20), "white").save(white)
    figures = cli("predict", model_file, photo, white, "--top", "10", "--json").figures
    assert [each["file"] for each in figures["photos"]] == [str(photo), str(white)]
    pixels = np.asarray(Image.open(photo), dtype=np.uint8).reshape(1, 8, 8, 1)
    logits = signbit.load(model_file)(pixels)[0].astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum()
    classes = figures["photos"][0]["classes"]
    assert [c["name"] for c in classes] == [str(i) for i in np.argsort(-expected, kind="stable")]
    assert [c["probability"] for c in classes] == pytest.approx(sorted(expected, reverse=True))


def test_a_photo_is_a_line(cli: Cli, model_file: Path, photo: Path) -> None:
    for top, options in ((1, []), (3, ["--top", "3"]), (10, ["--top", "99"])):
        shown = cli("predict", model_file, photo, *options)
        assert shown.code == 0
        found = signbit.load(model_file).predict(photo).top(top)
        told = ", ".join(f"{name} {100 * probability:.2f} %" for name, probability in found)
        assert shown.out == f"{photo}: {told}\n"


def confident_model(model_file: Path, folder: Path, least: float) -> Path:
    graph, constants = confident(decode(model_file.read_bytes()), 2.0, least)
    path = folder / "confident.sbnn"
    path.write_bytes(encode(graph, constants))
    return path


@pytest.mark.parametrize("least", [0.0, 0.01, 0.99])
def test_what_is_none_of_these_is_said(
    cli: Cli, model_file: Path, photo: Path, tmp_path: Path, least: float
) -> None:
    model = confident_model(model_file, tmp_path, least)
    found = signbit.load(model).predict(photo)
    assert found.is_none is (least == 0.99)
    told = f"{found.name} {100 * found.probability:.2f} %"
    told = f"none of these ({told})" if found.is_none else told
    assert cli("predict", model, photo).out == f"{photo}: {told}\n"
    said = {"none": found.is_none} if least else {}
    classes = [{"name": found.name, "probability": found.probability}]
    figures = cli("predict", model, photo, "--json").figures
    assert figures["photos"] == [{"file": str(photo), "classes": classes, **said}]
    for ending in ("csv", "jsonl"):
        out = tmp_path / f"answers.{ending}"
        assert cli("predict", model, photo, "--out", out).code == 0
        assert cli("predict", model, photo, "--out", out, "--resume").code == 0
        text = out.read_text("utf-8")
        if ending == "jsonl":
            assert json.loads(text) == figures["photos"][0]
        else:
            header, row = csv.reader(text.splitlines())
            assert header == ["file", "class", "probability", *said]
            assert row[3:] == [str(value).lower() for value in said.values()]


def test_a_name_is_no_command_to_the_terminal(cli: Cli, model_file: Path, photo: Path) -> None:
    strange = photo.rename(photo.with_name("[red]\x1b[2J\nall.png: cat 100 %\udce9.png"))
    (line,) = cli("predict", model_file, strange).out.splitlines()
    assert line.startswith(f"{photo.parent}/" + r"[red]\x1b[2J\nall.png: cat 100 %\xe9.png: ")


def test_a_photo_is_turned_as_its_exif_data_says(
    cli: Cli, model_file: Path, photo: Path, tmp_path: Path
) -> None:
    upright = Image.open(photo).resize((64, 64), Image.Resampling.NEAREST)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    upright.rotate(90).save(tmp_path / "turned.png", exif=exif)
    upright.save(tmp_path / "upright.png")
    found = cli(
        "predict", model_file, tmp_path / "turned.png", tmp_path / "upright.png", "--json"
    ).figures["photos"]
    assert found[0]["classes"] == found[1]["classes"]


def test_works_without_the_train_extra(fresh_cli: Cli, model_file: Path, photo: Path) -> None:
    result = fresh_cli("predict", model_file, photo, "--json", "--top", "5", blocked=TRAIN_EXTRA)
    assert len(result.figures["photos"][0]["classes"]) == 5


@pytest.fixture
def bad_album(album: Path) -> Path:
    """The album with more that is no photo: a text, a dangling link, an empty file, deep inside."""
    deeper = album / "more" / "deep"
    deeper.mkdir(parents=True)
    (album / "text.jpg").write_text("no picture")
    (album / "more" / "empty.png").touch()
    (album / "more" / "link.png").symlink_to("nowhere")
    (album / "00.png").rename(deeper / "00.png")
    return album


BAD = ["07.png", "more/empty.png", "more/link.png", "text.jpg"]


def test_bad_photos_are_named_and_left_out(cli: Cli, model_file: Path, bad_album: Path) -> None:
    shown = cli("predict", model_file, bad_album)
    assert shown.code == 1
    others, *told = shown.err.splitlines()
    assert others == f"{bad_album}: left out: 1 .txt"
    named = [line.partition(": ")[2].partition(": ")[0] for line in told]
    assert named == [str(bad_album / name) for name in BAD]
    lines = shown.out.splitlines()
    assert len(lines) == 29
    assert [line.partition(": ")[0] for line in lines] == sorted(
        str(path) for path in bad_album.rglob("*.png") if not str(path).endswith(tuple(BAD))
    )


def test_json_says_what_was_left_out(cli: Cli, model_file: Path, bad_album: Path) -> None:
    shown = cli("predict", model_file, bad_album, bad_album / "01.png", "--json")
    assert shown.code == 1
    figures = json.loads(shown.out)
    assert len(figures["photos"]) == 30
    assert [reason.partition(": ")[0] for reason in figures["skipped"]] == [
        str(bad_album / name) for name in BAD
    ]
    assert figures["photos"][-1]["file"] == str(bad_album / "01.png")


def test_patterns_are_files_and_folders(
    cli: Cli, model_file: Path, bad_album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bad_album)

    def files(*photos: str) -> list[str]:
        shown = cli("predict", model_file, *photos)
        return [line.partition(": ")[0] for line in shown.out.splitlines()]

    assert files("0[1-3].png", "2?.png") == [
        *(f"{index:02}.png" for index in (1, 2, 3)),
        *(f"{index}.png" for index in range(20, 30)),
    ]
    assert files("mor*") == files("more") == files("**/deep/*") == ["more/deep/00.png"]
    assert sorted(files("**")) == sorted(files("."))
    assert "*.gif: no image matches" in cli("predict", model_file, "*.gif").mistake
    # What is there is no pattern.
    (bad_album / "01.png").rename("[0].png")
    assert files("[0].png") == ["[0].png"]


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


def test_a_pipe_among_photos_is_left_out(cli: Cli, model_file: Path, photo: Path) -> None:
    os.mkfifo(photo.parent / "pipe.png")
    for named in (photo.parent, photo.parent / "*.png"):
        assert cli("predict", model_file, named).out.splitlines()[0].startswith(f"{photo}: ")


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


def test_a_missing_photo_is_named(cli: Cli, model_file: Path, tmp_path: Path) -> None:
    assert "gone.png" in cli("predict", model_file, tmp_path / "gone.png").mistake


def test_a_missing_or_broken_model_is_named(cli: Cli, photo: Path, tmp_path: Path) -> None:
    assert "gone.sbnn" in cli("predict", tmp_path / "gone.sbnn", photo).mistake
    broken = tmp_path / "broken.sbnn"
    broken.write_bytes(b"not a model")
    assert cli("predict", broken, photo).mistake


def test_a_network_that_gives_a_map_is_no_classifier(cli: Cli, photo: Path, tmp_path: Path) -> None:
    graph, constants = sample()
    model = tmp_path / "map.sbnn"
    body = dataclasses.replace(graph, outputs=(GraphOutput("body", 3),))
    model.write_bytes(encode(body, constants))
    for arguments in [["predict", model, photo], ["evaluate", model, "--data", "digits"]]:
        line = cli(*arguments).mistake
        assert "map.sbnn: not a classifier" in line
        assert "'body' is 3×3×10" in line


def test_of_several_outputs_the_one_that_is_used_is_said(
    cli: Cli, photo: Path, tmp_path: Path
) -> None:
    graph, constants = sample()
    one, two = tmp_path / "one.sbnn", tmp_path / "two.sbnn"
    one.write_bytes(encode(graph, constants))
    outputs = (*graph.outputs, GraphOutput("body", 3))
    two.write_bytes(encode(dataclasses.replace(graph, outputs=outputs), constants))
    alone, both = (cli("predict", model, photo, "--json") for model in (one, two))
    assert both.figures["photos"] == alone.figures["photos"]
    said = f"scores: the output {graph.outputs[0].name!r}; not used: 'body'"
    assert said in both.err
    assert "not used" not in alone.err


def test_a_network_that_does_not_say_how_photographs_fit(
    cli: Cli, photo: Path, tmp_path: Path
) -> None:
    graph, constants = sample()
    model = tmp_path / "sizeless.sbnn"
    given = (dataclasses.replace(graph.inputs[0], resize=None),)
    model.write_bytes(encode(dataclasses.replace(graph, inputs=given), constants))
    for arguments in [["predict", model, photo], ["evaluate", model, "--data", "digits"]]:
        line = cli(*arguments).mistake
        assert "does not say how a photograph becomes its input 'image'" in line


def test_classes_without_names_are_numbered(cli: Cli, photo: Path, tmp_path: Path) -> None:
    graph, constants = sample()
    model = tmp_path / "nameless.sbnn"
    nameless = dataclasses.replace(graph, outputs=(GraphOutput("logits", graph.outputs[0].tensor),))
    model.write_bytes(encode(nameless, constants))
    figures = cli("predict", model, photo, "--top", "4", "--json").figures
    classes = figures["photos"][0]["classes"]
    assert {each["name"] for each in classes} == {"0", "1", "2", "3"}


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_scores_that_overflow_name_model_and_photo(
    cli: Cli, photo: Path, tmp_path: Path, options: list[str]
) -> None:
    graph, constants = sample()
    scale = str(graph.nodes[1].steps[0]["scale"])
    huge = {**constants, scale: np.full_like(constants[scale], 3e38)}
    model = tmp_path / "huge.sbnn"
    model.write_bytes(encode(graph, huge))
    line = cli("predict", model, photo, *options).mistake
    assert "huge.sbnn" in line
    assert "digit.png" in line
    assert "not finite" in line
