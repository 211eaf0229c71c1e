import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.data.conftest import colours, png

from signbit.data.sources import parquet_rows
from signbit.data.sources.parquet_rows import Rows
from signbit.errors import DataError


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """41 images in two files, whose groups have 7 rows at most."""
    import pyarrow
    from pyarrow import parquet

    data = [{"bytes": png(image), "path": None} for image in colours(41)]
    files = [tmp_path / "train-0.parquet", tmp_path / "train-1.parquet"]
    for path, part in zip(files, (data[:17], data[17:]), strict=True):
        parquet.write_table(pyarrow.table({"image": part}), path, row_group_size=7)
    return Rows(tmp_path, "train", files, "image")


@pytest.mark.parametrize("held", [1, 1 << 30])
def test_every_row_is_its_image_in_any_order_and_thread(
    rows: Rows, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "_HELD", held)
    images = colours(41)
    assert len(rows) == 41
    with ThreadPoolExecutor(4) as pool:
        for order in (np.arange(41), np.random.permutation(41)):
            np.testing.assert_array_equal(list(pool.map(rows, order)), images[order])


@pytest.mark.parametrize(("held", "reads"), [(1, [7, 14]), (1 << 30, [7, 7])])
def test_groups_are_held_up_to_a_limit(
    rows: Rows, held: int, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order each of the 3 + 4 groups is read once, whatever is held; again, if it is not."""
    monkeypatch.setattr(parquet_rows, "_HELD", held)
    read, seen = Rows._read, []
    monkeypatch.setattr(Rows, "_read", lambda self, group: seen.append(group) or read(self, group))
    counts = []
    for _ in range(2):
        for index in range(41):
            rows(index)
        counts.append(len(seen))
    assert counts == reads


def test_a_process_that_is_sent_them_reads_the_files_itself(rows: Rows) -> None:
    rows(0)
    sent = pickle.dumps(rows)
    assert len(sent) < 2000
    np.testing.assert_array_equal(pickle.loads(sent)(40), colours(41)[40])


def test_a_file_that_is_gone_meanwhile_is_named(rows: Rows) -> None:
    rows(0)
    rows.files[1].unlink()
    with pytest.raises(DataError, match=r"cannot read the train split .*; copy its files anew"):
        rows(40)
