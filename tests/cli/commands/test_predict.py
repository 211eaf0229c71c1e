from __future__ import annotations

import csv
import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.bitformat.samples import confident, sample
from tests.cli.commands.conftest import BAD
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


def test_a_pipe_among_photos_is_left_out(cli: Cli, model_file: Path, photo: Path) -> None:
    os.mkfifo(photo.parent / "pipe.png")
    for named in (photo.parent, photo.parent / "*.png"):
        assert cli("predict", model_file, named).out.splitlines()[0].startswith(f"{photo}: ")


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
