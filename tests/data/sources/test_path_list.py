from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from signbit.data.sources.image_files import find_images
from signbit.data.sources.path_list import Names, Paths, SortedNames

TEXTS = ["a/b.png", "a/größe.png", "b.png", "./b.png", "/c//d\udce9.png", "/", "", "a/b.png"]


def test_names_are_kept_as_they_were() -> None:
    names = Names(TEXTS)
    assert [*names] == TEXTS
    assert (names[-1], len(names), names.index("b.png")) == ("a/b.png", 8, 2)
    assert [*pickle.loads(pickle.dumps(names))] == TEXTS
    with pytest.raises(IndexError):
        names[8]
    assert not Names()


def test_paths_are_taken_in_any_order() -> None:
    paths = Paths(Names(TEXTS[:3]))
    taken = paths.take(np.array([2, 0])).take(np.array([1, 1, 0]))
    assert taken == [Path("a/b.png"), Path("a/b.png"), Path("b.png")]
    assert pickle.loads(pickle.dumps(taken)) == taken
    assert taken != paths


SLICES = [slice(None), slice(1, 3), slice(None, None, -1), slice(-2, None), slice(7, 2), slice(99)]


@pytest.mark.parametrize("part", SLICES, ids=str)
def test_slices_are_those_of_a_list(part: slice) -> None:
    names, paths = Names(TEXTS), Paths(Names(TEXTS)).take(np.arange(8)[::-1])
    assert [*names[part]] == TEXTS[part]
    assert [*paths[part]] == [Path(text) for text in TEXTS[::-1]][part]


def test_images_are_found_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("a/z.png", "a.png", "a-b/c.png", "a/b/c.png", "a/b.png", "b/a.png", "Z.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert find_images(tmp_path) == sorted(tmp_path.rglob("*.png"))


@pytest.mark.parametrize("count", [0, 1, 2048, 5000])
def test_many_names_are_sorted(count: int) -> None:
    texts = [f"photos/{index * 7919 % 5003}.jpg" for index in range(count)]
    names = SortedNames()
    for text in texts:
        names.append(text)
    assert [*names.all()] == sorted(texts)


def test_many_paths_take_little_memory_sorted_or_not() -> None:
    count = 10_000
    for kind, most in ((Names, 25), (SortedNames, 70)):
        tracemalloc.start()
        try:
            names = kind()
            for index in range(count):
                names.append(f"/a/long/way/to/the/photographs/{index * 7919 % 10_007}.jpg")
            if isinstance(names, SortedNames):
                assert len(names.all()) == count
            assert tracemalloc.get_traced_memory()[1] < most * count
        finally:
            tracemalloc.stop()
