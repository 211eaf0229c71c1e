"""`signbit train photos`: folders as people have them, from photographs to a file and a page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import Cli

import signbit

SHORT = ["epochs=2", "size=16", "batch_size=8"]


def photo(path: Path, *, mode: str = "RGB", **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bright = 160 if path.parent.name.startswith("a") else 20
    shape = (40, 30, 4) if mode == "RGBA" else (40, 30, 3)
    pixels = np.random.randint(bright, bright + 90, shape, dtype=np.uint8)
    picture = Image.fromarray(pixels)
    picture.convert(mode).save(path, **options)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes of all kinds of photographs, and what lies beside them."""
    monkeypatch.setenv("SIGNBIT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "my photos"
    turned = Image.Exif()
    turned[0x0112] = 6
    for name in ("apple tree", "Bücher [red]"):
        for number in range(8):
            photo(folder / name / f"photo {number}.jpg")
        photo(folder / name / "ä gray.png", mode="L")
        photo(folder / name / "clear.png", mode="RGBA")
        photo(folder / name / "turned.jpg", exif=turned.tobytes())
    photo(folder / "one owl" / "owl.jpg")
    (folder / "apple tree" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    (folder / "apple tree" / "phone.heic").write_bytes(b"ftypheic")
    return folder


def test_from_a_folder_to_a_file_and_a_page(cli: Cli, photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run = tmp_path / "runs" / "mine"
    command = ["train", "photos", "--data", photos, "--out", run, *SHORT]
    result = cli(*command, "--json")
    figures = result.figures
    assert figures["kept_epoch"] in (1, 2)
    assert figures["model"] == str(run / "model.sbnn")
    assert figures["report"] == str(run / "report.html")
    for words in (
        "begins with random weights; where photographs are few",
        "skipped: ",
        "broken.jpg: not a readable image",
        "left out: 1 .heic (which is not read: save it as JPEG)",
        "16 images of 3 classes to train on, 5 images to test",
        "classes with few images to train on: one owl (1)",
        "2 images to choose the best epoch by, held out of those to train on, with seed 0",
        "is kept, of the least validation loss",
        f"next: signbit predict {run / 'model.sbnn'} PHOTO.jpg",
    ):
        assert words in result.err
    listed = json.loads((run / "images.json").read_text())
    everything = sorted(name for names in listed.values() for name in names)
    assert len(everything) == 23
    assert "Bücher [red]/ä gray.png" in everything
    assert "apple tree/broken.jpg" not in everything
    engine = signbit.load(run / "model.sbnn")
    assert engine.class_names == ["Bücher [red]", "apple tree", "one owl"]
    assert engine.input_shape == (16, 16, 3)
    page = (run / "report.html").read_text()
    assert "top-1 on the validation images" in page
    assert cli("predict", run / "model.sbnn", photos / "one owl/owl.jpg").code == 0
    again = cli(*command, "--json")
    assert (again.figures["resumed_from"], again.figures["top1"]) == (2, figures["top1"])


def test_without_delivering(cli: Cli, photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = cli("train", "photos", "--data", photos, "--out", run, *SHORT, "--no-deliver")
    assert result.code == 0, result.err
    assert not (run / "model.sbnn").exists()
    assert f"next: signbit compile {run} -o model.sbnn" in result.err


def test_any_recipe_delivers_where_asked(cli: Cli, run_folder: Path) -> None:
    pytest.importorskip("matplotlib")
    digits = ["train", "sdbnn-digits", "--out", run_folder, "epochs=2", "--deliver", "--json"]
    figures = cli(*digits).figures
    assert (run_folder / "report.html").is_file()
    assert Path(figures["model"]).is_file()
    for written in ("model.sbnn", "report.html"):
        (run_folder / written).unlink()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "no images of the train split"),
        (["notes.txt"], "no images of the train split"),
        (["cat/a.jpg", "cat/b.jpg", "cat/c.jpg"], "only one class (cat)"),
        (["a.jpg", "b.jpg"], "2 images in no class folder"),
        (["cat/a.heic", "dog/b.jpg"], "no images but 1 .heic (which is not read: save it as JPEG"),
        (["cat/a.jpg", "dog/b.jpg"], "none can be held out"),
        (["cat/a.jpg", "cat/b.jpg", "dog/b.jpg", "dog/c.jpg"], "three of one class"),
    ],
)
def test_folders_that_teach_nothing(
    files: list[str], message: str, cli: Cli, tmp_path: Path
) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    for name in files:
        if name.endswith(".jpg"):
            photo(data / name)
        else:
            (data / name).parent.mkdir(exist_ok=True)
            (data / name).write_bytes(b"")
    assert message in cli("train", "photos", "--data", data, "--out", run, *SHORT).mistake
    assert not run.exists()
