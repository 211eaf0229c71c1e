import os
from pathlib import Path

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


def test_words_and_parts_do_not_run_together() -> None:
    assert of_files([], "a", "b") != of_files([], "ab")
    assert combined("a", "b") != combined("ab")
    assert combined("a", [1, 23]) != combined("a", [12, 3])
