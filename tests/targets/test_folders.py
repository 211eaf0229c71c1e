"""A folder of files appears whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from signbit.errors import InputError
from signbit.targets import folders
from signbit.targets.folders import require_free, write_folder

FILES = {"a.txt": b"a", "page/b.txt": b"b"}


def content(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize("there", ["nothing", "no parents", "an empty folder"])
def test_a_folder_is_written(tmp_path: Path, there: str) -> None:
    folder = tmp_path / ("deep/er" if there == "no parents" else "site")
    if there == "an empty folder":
        folder.mkdir()
    write_folder(folder, FILES, overwrite=False)
    assert content(folder) == FILES
    assert [*tmp_path.iterdir()] == [tmp_path / folder.relative_to(tmp_path).parts[0]]


def test_what_is_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    write_folder(tmp_path / "site", FILES, overwrite=False)
    (tmp_path / "site" / "mine.txt").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"site: is there already; --overwrite replaces"):
        write_folder(tmp_path / "site", {"a.txt": b"new"}, overwrite=False)
    write_folder(tmp_path / "site", {"a.txt": b"new"}, overwrite=True)
    assert content(tmp_path / "site") == {**FILES, "a.txt": b"new", "mine.txt": b"mine"}


@pytest.mark.parametrize("there", [False, True], ids=["new", "overwritten"])
def test_nothing_is_new_where_the_disk_is_full(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"a.txt": b"old", "mine.txt": b"mine"}
    if there:
        write_folder(tmp_path / "site", old, overwrite=False)

    def write(path: Path, data: bytes) -> None:
        if path.name == "b.txt":
            raise OSError(28, "No space left on device", str(path))
        path.write_bytes(data)

    monkeypatch.setattr(folders, "write_file", write)
    with pytest.raises(OSError, match="No space left"):
        write_folder(tmp_path / "site", FILES, overwrite=there)
    assert [path.name for path in tmp_path.iterdir()] == ["site"] * there
    assert not there or content(tmp_path / "site") == old


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in ("file", "file/site"):
        with pytest.raises(NotADirectoryError, match=r"no folder"):
            require_free(tmp_path / place, overwrite=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="may not be written to"):
        require_free(tmp_path / "site", overwrite=False)


def test_behind_a_link_the_folder_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_folder(tmp_path / "link", FILES, overwrite=False)
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "real") == FILES
