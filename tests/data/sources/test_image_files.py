from pathlib import Path

import pytest

from signbit.data.sources.image_files import find_images, image_files
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


def test_links_to_nothing_are_left_for_the_reader_to_name(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "circle").symlink_to(tmp_path)
    assert image_files(tmp_path) == [tmp_path / "gone.png"]
