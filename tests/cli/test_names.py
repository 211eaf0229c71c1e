"""Names that are not UTF-8, as out of an old archive, in every path that the commands are given."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import numpy as np
from PIL import Image
from tests.cli.conftest import Cli

import signbit

ODD = os.fsdecode(b"caf\xe9")
PLAIN = r"caf\xe9"
SETTINGS = ["epochs=1", "data.mean=[0.5,0.5,0.5]", "data.std=[0.5,0.5,0.5]"]


def photos(folder: Path) -> Path:
    """Two classes of six photos; a class and a photo have such a name, and a broken one."""
    for name in ("a", ODD):
        (folder / name).mkdir(parents=True)
        for index in range(6):
            pixels = np.random.randint(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{ODD}{index}.png")
    return folder


def test_from_photos_to_a_prediction(cli: Cli, tmp_path: Path) -> None:
    data = photos(tmp_path / ODD / "photos")
    run, model = tmp_path / "run", tmp_path / ODD / "model.sbnn"
    assert cli("train", "sdbnn-digits", "--data", data, "--out", run, *SETTINGS).code == 0
    assert cli("train", "sdbnn-digits", "--data", data, "--out", run, *SETTINGS).code == 0
    moved = run.rename(tmp_path / ODD / "run")
    for command in (["compile", moved, "-o", model, "--images", "2"], ["evaluate", moved]):
        assert cli(*command).code == 0
    figures = cli("evaluate", model, "--data", data, "--json").figures
    assert base64.b64decode(figures["data"]["base64"]) == os.fsencode(data)
    inspected = cli("inspect", model, "--json").figures
    assert inspected["source"]["data"].endswith("photos")
    photo = data / ODD / f"{ODD}0.png"
    (told,) = cli("predict", model, photo, "--json").figures["photos"]
    assert base64.b64decode(told["file"]["base64"]) == os.fsencode(photo)
    assert signbit.load(model).class_names == ["a", PLAIN]


def test_a_run_is_not_written_into_such_a_folder(cli: Cli, tmp_path: Path) -> None:
    data, out = photos(tmp_path / "photos"), tmp_path / ODD
    mistake = cli("train", "sdbnn-digits", "--data", data, "--out", out, *SETTINGS).mistake
    assert rf"{PLAIN}: a run cannot be written into a folder whose name is not UTF-8" in mistake
    assert not out.exists()


def test_what_cannot_be_read_is_named(cli: Cli, tmp_path: Path) -> None:
    data = photos(tmp_path / "photos")
    (data / ODD / f"z{ODD}.png").write_text("no picture")
    settings = [*SETTINGS, "--out", tmp_path / "run"]
    mistake = cli("train", "sdbnn-digits", "--data", data, *settings).mistake
    assert rf"photos/{PLAIN}/z{PLAIN}.png: not a readable image" in mistake
    done = cli("train", "sdbnn-digits", "--data", data, *settings, "data.unreadable=skip")
    assert done.code == 0
    assert f"z{PLAIN}.png: not a readable image" in cli("evaluate", tmp_path / "run").err
