"""Networks on the Hub: their names, and the library's cache on a disk, without a network."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import signbit
from signbit.errors import CheckpointError
from signbit.hub import MODEL, hub_file, is_hub

COMMITS = ("0" * 40, "1" * 40)


@pytest.fixture
def cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, dict[str, bytes]], None]:
    """Lays a commit of someone/birds into the library's cache; main is the newest."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def lay(commit: str, files: dict[str, bytes]) -> None:
        folder = tmp_path / "models--someone--birds"
        (folder / "refs").mkdir(parents=True, exist_ok=True)
        (folder / "refs" / "main").write_text(commit)
        snapshot = folder / "snapshots" / commit
        snapshot.mkdir(parents=True)
        for name, data in files.items():
            (snapshot / name).write_bytes(data)

    return lay


def test_the_newest_revision_or_the_one_that_is_named(cache: Callable[..., None]) -> None:
    for commit in COMMITS:
        cache(commit, {MODEL: commit.encode()})
    for source, commit in (
        ("hub:someone/birds", COMMITS[1]),
        ("hub:someone/birds@main", COMMITS[1]),
        (f"hub:someone/birds@{COMMITS[0]}", COMMITS[0]),
    ):
        assert hub_file(source, MODEL, CheckpointError).read_bytes() == commit.encode()


@pytest.mark.parametrize(
    "source",
    [
        "hub:",
        "hub:birds",
        "hub:/birds",
        "hub:someone/",
        "hub:a/b/c",
        "hub:../birds",
        "hub:someone/..",
        "hub:someone/.birds",
        "hub:some--one/birds",
        "hub:someone/birds@",
        "hub:someone/birds@../../x",
        "hub:someone/birds@/etc",
        "hub:someone/birds@a//b",
        "hub:someone/birds@refs/../x",
        "hub:someone/birds\n",
        "hub:someone\\..\\x/birds",
        f"hub:{'a' * 97}/b",
        f"hub:a/{'b' * 97}@main",
    ],
)
def test_what_is_no_name_reaches_no_disk(source: str, cache: Callable[..., None]) -> None:
    assert is_hub(source)
    with pytest.raises(signbit.ModelFileError, match="is no name of a network on the Hub"):
        signbit.load(source)


def test_what_is_not_there_is_one_line(cache: Callable[..., None]) -> None:
    cache(COMMITS[0], {})
    for source in ("hub:someone/birds", "hub:nobody/birds", "hub:someone/birds@v2"):
        with pytest.raises(signbit.ModelFileError, match=f"{source}: model.sbnn cannot be") as said:
            signbit.load(source)
        assert "\n" not in str(said.value)


def test_a_broken_file_is_named_by_the_hub_s_name(cache: Callable[..., None]) -> None:
    cache(COMMITS[0], {MODEL: b"nothing"})
    with pytest.raises(signbit.ModelFileError, match="hub:someone/birds: "):
        signbit.load("hub:someone/birds")


def test_without_the_library_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(signbit.MissingExtraError, match=r"signbit\[hub\]"):
        signbit.load("hub:someone/birds")
