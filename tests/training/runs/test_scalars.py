import resource
import threading
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from signbit.errors import CheckpointError
from signbit.training.runs.scalars import Scalars


def points(folder: Path) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars("loss")]


def test_a_later_start_hides_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    first = Scalars(tmp_path, purge_from=1)
    for step in (1, 2, 3):
        first.add("loss", float(step), step)
    first.close()
    again = Scalars(tmp_path, purge_from=2)
    again.add("loss", 20.0, 2)
    again.flush()
    assert points(tmp_path) == [(1, 1.0), (2, 20.0)]
    again.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"file/tensorboard: cannot be written \(Not a dir"):
        Scalars(tmp_path / "file/tensorboard", purge_from=1)


def write_points(scalars: Scalars, count: int) -> None:
    for step in range(count):
        scalars.add("loss", 1.0, step)
        scalars.flush()


def test_a_full_disk_is_named_without_the_trace_of_a_thread(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told, limits = threading.excepthook, resource.getrlimit(resource.RLIMIT_FSIZE)
    scalars = Scalars(tmp_path, purge_from=1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
    try:
        with pytest.raises(CheckpointError, match=r"cannot be written \(File too large\)"):
            write_points(scalars, 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        scalars.close()
    assert threading.excepthook == told
    assert "Traceback" not in capsys.readouterr().err
