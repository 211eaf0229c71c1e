from __future__ import annotations

from pathlib import Path

import pytest

from signbit.errors import CheckpointError
from signbit.training.runs.place import require_place


def make(root: Path, *files: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    return root


@pytest.mark.parametrize(
    "files",
    [
        (),
        (".lock", ".gitkeep"),
        ("train.log", "slurm.out", "mine.yaml"),
        ("recipe.yaml", "model.sbnn", "photo.jpg"),
        ("run.json", "checkpoints/epoch-0001/state.json", "tensorboard/events"),
        ("stage-1/recipe.yaml", "notes.md"),
        ("stage-1/.lock",),
        ("start.safetensors",),
    ],
)
def test_folders_that_are_free_or_hold_a_run(tmp_path: Path, files: tuple[str, ...]) -> None:
    require_place(make(tmp_path / "out", *files))
    require_place(tmp_path / "absent/inner", "digits")


@pytest.mark.parametrize(
    "files", [("a/1.jpg", "b/2.jpg"), ("photo.jpg",), (".git/HEAD",), ("run.log", "thesis.tex")]
)
def test_other_files_are_left_alone(tmp_path: Path, files: tuple[str, ...]) -> None:
    out = make(tmp_path / "out", *files)
    with pytest.raises(CheckpointError, match=r"holds other files \(.*; name a folder .* --out"):
        require_place(out)


def test_the_images_folder_and_what_is_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make(tmp_path / "data", "a/1.jpg")
    (tmp_path / "link").symlink_to(data)
    monkeypatch.chdir(tmp_path)
    for out in (data, Path("link"), Path("data/../data")):
        with pytest.raises(CheckpointError, match="is the folder of the images"):
            require_place(out, "data")
    for out in (data / "runs/one", Path("link/a")):
        with pytest.raises(CheckpointError, match="is inside the folder of the images"):
            require_place(out, str(data))
    require_place(tmp_path / "data2", "data")
    # A run that is there already goes on.
    require_place(make(data / "old", "recipe.yaml"), "data")


def test_the_home_folder_and_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(make(tmp_path / "home", ".profile")))
    with pytest.raises(CheckpointError, match="is the home folder"):
        require_place(tmp_path / "home")
    with pytest.raises(CheckpointError, match="is a file"):
        require_place(tmp_path / "home/.profile")
