from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from signbit import files
from signbit.files import descriptor_of, held_open, require_writable, write_file


def test_write_file_replaces_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.sbnn"
    path.write_bytes(b"old")
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["model.sbnn"]


def test_write_file_has_the_usual_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    write_file(tmp_path / "model.sbnn", b"new")
    assert (tmp_path / "model.sbnn").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "model.sbnn"
    path.write_bytes(b"old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(path, b"new" * 100)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.sbnn"]


def test_what_cannot_be_written_names_the_target(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    for target, error in [
        (tmp_path / "nowhere" / "model.sbnn", FileNotFoundError),
        (file / "model.sbnn", NotADirectoryError),
        (tmp_path, IsADirectoryError),
        (Path(), IsADirectoryError),
    ]:
        with pytest.raises(error) as caught:
            write_file(target, b"")
        assert caught.value.filename == str(target)
        assert caught.value.filename2 is None
        with pytest.raises(OSError, match="folder") as refused:
            require_writable(target)
        assert refused.value.filename == str(target)
    assert os.listdir(tmp_path) == ["file"]


def test_the_permissions_of_the_old_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_file(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("links", [1, 3])
def test_behind_links_the_file_is_replaced_and_the_links_stay(tmp_path: Path, links: int) -> None:
    (tmp_path / "store").mkdir()
    target = tmp_path / "store" / "model"
    for before in (b"old", None):
        if before is None:
            target.unlink()  # the links lead to nothing
        else:
            target.write_bytes(before)
        path = target
        for number in range(links):
            link = tmp_path / f"link{number}"
            link.unlink(missing_ok=True)
            link.symlink_to(os.path.relpath(path, tmp_path))
            path = link
        require_writable(path)
        write_file(path, b"new")
        assert path.is_symlink()
        assert target.read_bytes() == b"new"
        assert os.listdir(tmp_path / "store") == ["model"]


def test_a_circle_of_links_is_named(tmp_path: Path) -> None:
    path = tmp_path / "link"
    path.symlink_to(path)
    for refuse in (lambda: write_file(path, b""), lambda: require_writable(path)):
        with pytest.raises(OSError, match="links") as caught:
            refuse()
        assert caught.value.filename == str(path)
    assert path.is_symlink()


def test_a_fifo_is_written_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    require_writable(path)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    data = bytes(range(256)) * 1000
    write_file(path, data)
    reader.join()
    assert found == [data]
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_fifo_that_nobody_reads_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    monkeypatch.setattr(files, "_PATIENCE", 0.0)
    with pytest.raises(OSError, match="nothing reads it; start its reader first"):
        write_file(path, b"new")


def test_who_reads_a_fifo_waits_for_what_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    with held_open(path):
        write_file(path, b"new")
    reader.join()
    assert found == [b"new"]
    monkeypatch.setattr(files, "_PATIENCE", 0.0)
    with pytest.raises(OSError, match="nothing reads it"), held_open(path):
        pytest.fail("nobody reads it")


@pytest.mark.parametrize(
    ("blocks", "least", "fits"), [(9, 11, False), (9, 10, True), (0, 11, True)]
)
def test_a_disk_without_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks: int, least: int, fits: bool
) -> None:
    disk = SimpleNamespace(f_frsize=5, f_bavail=2, f_bfree=2, f_blocks=blocks)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    path = tmp_path / "model.sbnn"
    if fits:
        require_writable(path, least)
        return
    with pytest.raises(OSError, match="needs 11 bytes or more, and its disk has 10 left") as caught:
        require_writable(path, least)
    assert caught.value.filename == str(path)
    require_writable("/dev/null", least)


@pytest.mark.parametrize("code", [None, errno.EOPNOTSUPP, errno.EINVAL, errno.EDQUOT])
def test_file_systems_and_systems_that_cannot_allocate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int | None
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(code, os.strerror(code or 0))

    if code is None:
        monkeypatch.delattr(os, "posix_fallocate")
    else:
        monkeypatch.setattr(os, "posix_fallocate", refuse)
    path = tmp_path / "model.sbnn"
    if code == errno.EDQUOT:
        with pytest.raises(OSError, match="quota exceeded") as caught:
            require_writable(path, 3)
        assert caught.value.filename == str(path)
    else:
        require_writable(path, 3)
        write_file(path, b"new")
    assert os.listdir(tmp_path) == ([] if code == errno.EDQUOT else ["model.sbnn"])


def test_devices_are_written_and_stay(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    for path in (Path("/dev/null"), link):
        require_writable(path)
        write_file(path, b"new")
        assert path.is_char_device()
    link.unlink()
    link.symlink_to("/dev/full")
    for name in ("/dev/full", str(link)):
        for refuse in (partial(write_file, name, b"new"), partial(require_writable, name, 3)):
            with pytest.raises(OSError, match="No space left") as caught:
                refuse()
            assert caught.value.filename == name


def test_an_open_descriptor_is_tried_before_it_is_written() -> None:
    with open("/dev/full", "wb") as full, open("/dev/null", "rb") as unwritable:
        for file, reason in ((full, "No space left"), (unwritable, "Bad file descriptor")):
            with pytest.raises(OSError, match=reason) as caught:
                require_writable(f"/dev/fd/{file.fileno()}")
            assert caught.value.filename == f"/dev/fd/{file.fileno()}"


def test_a_trial_leaves_all_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.sbnn"
    path.write_bytes(b"old")
    before = path.stat()
    require_writable(path, 1000)
    assert (path.read_bytes(), path.stat()) == (b"old", before)

    def over_quota(*_: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "posix_fallocate", over_quota)
    with pytest.raises(OSError, match="quota") as caught:
        require_writable(path)
    assert caught.value.filename == str(path)
    assert os.listdir(tmp_path) == ["model.sbnn"]


WRITE = "from signbit.files import *; import sys; write_file(sys.argv[1], b'binary')"


@pytest.mark.parametrize("name", ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1", "link"])
@pytest.mark.parametrize("kind", ["pipe", "file", "end of a file"])
def test_stdout_by_its_path(tmp_path: Path, name: str, kind: str) -> None:
    if name == "link":
        name = str(tmp_path / "link")
        os.symlink("/dev/stdout", name)
    command = [sys.executable, "-c", WRITE, name]
    if kind == "pipe":
        assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == b"binary"
        return
    path = tmp_path / "file"
    path.write_bytes(b"before ")
    with path.open("ab" if kind == "end of a file" else "wb") as file:
        subprocess.run(command, stdout=file, check=True)
        file.write(b" after")
    before = b"before " if kind == "end of a file" else b""
    assert path.read_bytes() == before + b"binary after"


def test_which_paths_are_open_descriptors(tmp_path: Path) -> None:
    assert [descriptor_of(path) for path in ("/dev/stdout", "/dev/fd/7")] == [1, 7]
    assert descriptor_of(tmp_path / "1") is descriptor_of("/dev/null") is None
