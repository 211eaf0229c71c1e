import os
import time
from pathlib import Path

import pytest

from signbit.data.loading.fingerprint import combined, of_files


def test_files_change_it_by_place_order_size_and_time(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    for path in (one, two):
        path.write_text("abc")
        os.utime(path, ns=(10, 10))
    first = of_files([one, two])
    assert of_files([one, two]) == first
    assert len({first, of_files([two, one]), of_files([one]), of_files([one, two], "x")}) == 4
    os.utime(two, ns=(10, 11))
    touched = of_files([one, two])
    two.write_text("abcd")
    os.utime(two, ns=(10, 11))
    longer = of_files([one, two])
    two.unlink()
    assert len({first, touched, longer, of_files([one, two])}) == 4


@pytest.mark.parametrize("anew", [False, True])
def test_a_file_that_only_looks_the_same_changes_it(tmp_path: Path, anew: bool) -> None:
    path, beside = tmp_path / "photo", tmp_path / "beside"
    known = set()
    for text in ("abc", "xyz"):
        (beside if anew else path).write_text(text)
        if anew:
            beside.replace(path)
        os.utime(path, ns=(10, 10))  # as tar, zip and rsync -a do
        known.add(of_files([path]))
        time.sleep(0.02)  # two ticks of the clock that files have
    assert len(known) == 2


def test_words_and_parts_do_not_run_together() -> None:
    assert of_files([], "a", "b") != of_files([], "ab")
    assert combined("a", "b") != combined("ab")
    assert combined("a", [1, 23]) != combined("a", [12, 3])
