"""Photographs for the commands that read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from signbit.data import open_dataset


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A held-out digit as a PNG of the network's own size."""
    path = tmp_path / "digit.png"
    Image.fromarray(open_dataset("digits", "test").images[5][..., 0]).save(path)
    return path


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Thirty held-out digits, one of them cut off, and a file that is none."""
    folder = tmp_path / "album"
    folder.mkdir()
    for index, image in enumerate(open_dataset("digits", "test").images[:30]):
        Image.fromarray(image[..., 0]).save(folder / f"{index:02}.png")
    (folder / "07.png").write_bytes((folder / "07.png").read_bytes()[:50])
    (folder / "notes.txt").write_text("no image")
    return folder


BAD = ["07.png", "more/empty.png", "more/link.png", "text.jpg"]
"""What of `bad_album` is left out, folder by folder."""


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
