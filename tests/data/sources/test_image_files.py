import os
from pathlib import Path

import pytest
from PIL import Image

from signbit.data.pixels.formats import image_endings
from signbit.data.sources.image_files import find_images, image_files, listing, told
from signbit.errors import DataError


def test_files_of_a_folder_in_order(tmp_path: Path) -> None:
    for name in (
        "b.png",
        "sub/a.JPG",
        ".hidden.png",
        ".dir/c.png",
        "notes.txt",
        "folder.png/x.bmp",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [str(path.relative_to(tmp_path)) for path in image_files(tmp_path)]
    assert found == ["b.png", "folder.png/x.bmp", "sub/a.JPG"]


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    assert find_images(tmp_path) == []
    with pytest.raises(DataError, match="no images in this folder; it needs files that end in"):
        image_files(tmp_path)


def test_what_reading_may_never_end_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to("pipe.png")
    (tmp_path / "zeros.png").symlink_to("/dev/zero")
    (tmp_path / "round.png").symlink_to("round.png")  # what reads it says why it cannot
    (tmp_path / "true.png").write_bytes(b"")
    (tmp_path / "also.png").symlink_to("true.png")
    found = listing(tmp_path)
    assert [path.name for path in found.images] == ["also.png", "round.png", "true.png"]
    assert told(found.others) == "3 pipes or devices"


def test_links_to_nothing_are_left_for_the_reader_to_name(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "circle").symlink_to(tmp_path)
    assert image_files(tmp_path) == [tmp_path / "gone.png"]


@pytest.mark.parametrize(
    "ending", ["jfif", "pgm", "pbm", "avif", "JP2", "mpo", "apng", "ico", "qoi"]
)
def test_whatever_pillow_reads_is_an_image(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"photo.{ending}"
    path.write_bytes(b"")
    assert find_images(tmp_path) == [path]


@pytest.mark.parametrize("ending", ["txt", "pdf", "eps", "mpg", "h5", "heic", ""])
def test_what_it_does_not_read_is_none(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"file.{ending}").write_bytes(b"")
    assert not find_images(tmp_path)


def test_a_plugin_brings_its_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photo.heic").write_bytes(b"")
    image_endings.cache_clear()
    with monkeypatch.context() as patch:
        patch.setitem(Image.EXTENSION, ".heic", "HEIF")
        patch.setitem(Image.OPEN, "HEIF", (None, None))
        assert find_images(tmp_path)
    image_endings.cache_clear()


def test_files_are_told_by_kind() -> None:
    names = ["a.heic", "b.HEIC", "c.txt", "READ ME", ".x", "d.a name, with a dot in it"]
    assert told(map(Path, names)) == (
        "3 without an ending, 2 .heic (which are not read: save them as JPEG), 1 .txt"
    )
    assert told(Path(f"a.{kind}") for kind in "bcdefghb") == "2 .b, 1 .c, 1 .d, 1 .e, 3 more"


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone: cannot be listed \(No such file or directory\)"):
        find_images(tmp_path / "gone")
