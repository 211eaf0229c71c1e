"""Photographs on a local cluster of two workers, on Ray and on Spark: each is scored once.

A worker is killed, the whole program is killed, the same command goes on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.examples.programs import ENGINE, imported, photograph, started, write_model

import signbit

IS_THERE = {
    "ray": find_spec("ray") is not None,
    "spark": find_spec("pyspark") is not None and shutil.which("java") is not None,
}
WORKERS = {"ray": "MapWorker", "spark": "CoarseGrainedExecutorBackend"}
"""What the command line of a process says that works; of Spark it is a JVM."""
ODD = ("with space.png", "a [1] {2}.png", "50%20.png", "ünï.png", "+.png", "it's.png")


@pytest.fixture(params=WORKERS)
def system(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if not IS_THERE[name]:
        pytest.skip(f"{name} is not installed: `make examples` installs and tests it")
    return name


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder with a short path, as sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="sb", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class Job:
    """A program that scores photographs on two workers."""

    def __init__(self, system: str, scratch: Path) -> None:
        self.system, self.scratch = system, scratch
        self.model = write_model(scratch)
        self.photos, self.out = scratch / "photos", scratch / "out"
        self.photos.mkdir()

    def started(self, *words: object) -> subprocess.Popen[str]:
        given = (self.model, self.photos, self.out, *words)
        if self.system == "ray":
            folders = dict.fromkeys(("HOME", "RAY_TMPDIR", "TMPDIR"), str(self.scratch))
            return started("batch_ray", *given, "--workers", 2, **folders)
        settings = {
            "spark.master": "local-cluster[2,1,1024]",
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.local.dir": str(self.scratch),
        }
        options = " ".join(f"--conf {name}={value}" for name, value in settings.items())
        return started(
            "batch_spark",
            *given,
            PYSPARK_SUBMIT_ARGS=f"{options} pyspark-shell",
            SPARK_HOME=str(spark_home(self.scratch / "spark")),
            TMPDIR=str(self.scratch),
        )

    def done(self, *words: object) -> str:
        """What the program says that runs to its end."""
        process = self.started(*words)
        try:
            said, _ = process.communicate(timeout=400)
        finally:
            kill(process)
        assert process.returncode == 0, said[-5000:]
        return said

    def rows(self) -> list[dict[str, Any]]:
        files = [path for path in self.out.glob("*.parquet") if path.name[0] not in "._"]
        return [row for path in files for row in parquet.read_table(path).to_pylist()]

    def require_all_once(self, answers: dict[tuple[str, int], Any]) -> None:
        """Every photograph has one row, and in it what the engine says of it."""
        rows = {(row["file"], row["row"]): row for row in self.rows()}
        assert len(rows) == len(self.rows())
        assert rows.keys() == answers.keys()
        for key, expected in answers.items():
            if isinstance(expected, str):
                assert expected in rows[key]["reason"]
                assert rows[key]["class"] is rows[key]["index"] is rows[key]["probability"] is None
            else:
                assert rows[key]["reason"] is None
                assert rows[key]["class"] == expected.name
                assert rows[key]["index"] == expected.index
                assert rows[key]["probability"] == pytest.approx(expected.probability, abs=1e-15)


def spark_home(folder: Path) -> Path:
    """A folder as Spark's own, in which a local cluster's workers may write."""
    import pyspark

    if not folder.exists():
        folder.mkdir()
        for each in Path(pyspark.__file__).parent.iterdir():
            (folder / each.name).symlink_to(each)
    return folder


def kill(process: subprocess.Popen[str]) -> None:
    """End a program and all that it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        for each in (*parent.children(recursive=True), parent):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def write_photographs(folder: Path, count: int) -> dict[tuple[str, int], Any]:
    """So many photographs in two folders, the odd names among them, and what is known of each."""
    (folder / "more").mkdir(exist_ok=True)
    names = [*ODD, *(f"more/{index}.png" for index in range(count - len(ODD)))]
    data = [photograph(index) for index in range(count)]
    for name, each in zip(names, data, strict=True):
        (folder / name).write_bytes(each)
    found = ENGINE.predict(data)
    return {(str(folder / name), 0): each for name, each in zip(names, found, strict=True)}


def write_large(folder: Path, count: int) -> dict[tuple[str, int], Any]:
    """So many photographs that take some 10 ms each, and what is known of them."""
    data = [photograph(seed, "JPEG", (1200, 800)) for seed in range(5)]
    answers = ENGINE.predict(data)
    paths = [folder / f"{index}.jpg" for index in range(count)]
    for index, path in enumerate(paths):
        if index < len(data):
            path.write_bytes(data[index])
        else:
            path.hardlink_to(paths[index % len(data)])
    return {(str(path), 0): answers[i % len(data)] for i, path in enumerate(paths)}


def wait_for(true: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    """What is true of a running program, once it is."""
    end = time.monotonic() + 300
    while not (found := true()):
        assert process.poll() is None, process.communicate()[0][-5000:]
        assert time.monotonic() < end, "too slow"
        time.sleep(0.05)
    return found


def workers(system: str, process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = []
    for each in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if WORKERS[system] in " ".join(each.cmdline()):
                found.append(each)
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_folders_bad_photographs_and_new_ones(system: str, scratch: Path) -> None:
    job = Job(system, scratch)
    expected = write_photographs(job.photos, 30)
    for name, data, reason in (
        ("text.png", b"hello", "its format is unknown"),
        ("empty.jpg", b"", "it is empty"),
        ("cut.jpg", photograph(0, "JPEG", (90, 80))[:-900], "not a readable image"),
    ):
        (job.photos / name).write_bytes(data)
        expected[str(job.photos / name), 0] = reason
    job.done()
    job.require_all_once(expected)
    before = {path: path.stat().st_mtime_ns for path in job.out.glob("*.parquet")}
    expected |= write_photographs(job.photos, 40)
    job.done()
    job.require_all_once(expected)
    assert {path: path.stat().st_mtime_ns for path in before} == before  # not scored again
    job.photos, job.out = scratch / "empty", scratch / "none"
    job.photos.mkdir()
    process = job.started()
    said, _ = process.communicate(timeout=100)
    kill(process)
    assert process.returncode == 1
    assert "there are no images and no Parquet files here" in said


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_parquet_files(system: str, scratch: Path) -> None:
    job = Job(system, scratch)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    expected: dict[tuple[str, int], Any] = {}
    for number, name in enumerate(("one.parquet", "two [2].parquet")):
        data: list[bytes | None] = [photograph(100 * number + index) for index in range(50)]
        data[3 + number] = None
        images = [{"bytes": each, "path": "x"} for each in data]
        table = pa.table({"image": pa.array(images, kind), "label": list(range(50))})
        parquet.write_table(table, job.photos / name, row_group_size=20)
        answers = ENGINE.predict(data, return_exceptions=True)
        for row, answer in enumerate(answers):
            known = "an image is" if isinstance(answer, signbit.SignbitError) else answer
            expected[str(job.photos / name), row] = known
    job.done()
    job.require_all_once(expected)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", ["a worker", "everything"])
def test_whatever_is_killed_each_photograph_is_scored_once(
    system: str, what: str, scratch: Path
) -> None:
    job = Job(system, scratch)
    expected = write_large(job.photos, 2000)
    size = {"ray": ("--part", 50), "spark": ("--job", 1000)}[system]
    process = job.started(*size)
    try:
        wait_for(job.rows, process)
        done = len(job.rows())
        assert done < len(expected)
        if what == "a worker":
            victim, *_ = workers(system, process)
            victim.kill()
            said, _ = process.communicate(timeout=400)
            assert process.returncode == 0, said[-5000:]
        else:
            kill(process)
            assert len(job.rows()) < len(expected)
            job.done(*size)
    finally:
        kill(process)
    job.require_all_once(expected)
    assert not [path for path in job.out.iterdir() if path.suffix == ".tmp"]


def test_a_plan_only_grows(tmp_path: Path) -> None:
    program = imported("batch_ray")
    photos = tmp_path / "photos"
    photos.mkdir()
    names = [photos / f"{index}.png" for index in range(5)]
    for name in names[1:]:
        name.write_bytes(photograph(0))
    with open(os.fsencode(photos) + b"/caf\xe9.png", "wb") as file:
        file.write(photograph(0))
    given = (tmp_path, b"model", photos, "image.bytes")
    first = program.plan(*given, 2)
    assert [len(part["images"]) for part in first] == [2, 2, 1]
    names[0].write_bytes(photograph(0))
    second = program.plan(*given, 3)
    assert second == [*first, {"images": [str(names[0])]}]
    assert program.plan(*given, 4) == second
    listed = [image for part in second for image in part["images"]]
    assert program.text(listed[4]).endswith(r"caf\xe9.png")
    with pytest.raises(SystemExit, match="answers of another network"):
        program.plan(tmp_path, b"other", photos, "image.bytes", 2)


def test_a_worker_skips_what_is_done_and_leaves_nothing_half(tmp_path: Path) -> None:
    program = imported("batch_ray")
    scorer = program.Scorer(ENGINE, tmp_path, "image.bytes")
    photo = tmp_path / "photo.png"
    photo.write_bytes(photograph(1))
    part = {"images": [str(photo), str(tmp_path / "gone.png")]}
    item = {"part": program.json.dumps(part)}
    assert scorer(item) == {"photographs": 2, "failed": 1}
    path = program.answers_of(tmp_path, part)
    before = path.read_bytes()
    assert scorer(item) == {"photographs": 0, "failed": 0}
    path.unlink()
    scorer(item)
    assert path.read_bytes() == before  # a second try writes the same file
    path.unlink()
    program.tries_of(path).write_bytes(b"...")  # as workers leave it that died
    assert scorer(item) == {"photographs": 2, "failed": 2}
    reasons = {*parquet.read_table(path)["reason"].to_pylist()}
    assert reasons == {"3 workers died while they read this part"}
    assert sorted(tmp_path.iterdir()) == sorted([path, photo])


@pytest.mark.skipif(not IS_THERE["spark"], reason="Spark is not installed")
def test_a_folder_of_answers_is_of_one_network(tmp_path: Path) -> None:
    program = imported("batch_spark")
    program.require_same_model(tmp_path, b"model")
    program.require_same_model(tmp_path, b"model")
    with pytest.raises(SystemExit, match="answers of another network"):
        program.require_same_model(tmp_path, b"other")


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (pa.table({"picture": [b"x"]}), "no Parquet file with a column image.bytes"),
        (pa.table({"image": [{"bytes": "x"}]}), "is string, not encoded images"),
    ],
)
def test_other_parquet_files_are_refused(tmp_path: Path, table: pa.Table, reason: str) -> None:
    parquet.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(SystemExit, match=reason):
        [*imported("batch_ray").row_groups(tmp_path, "image.bytes")]
