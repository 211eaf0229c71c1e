import subprocess
import sys
from pathlib import Path

import pytest

from signbit.errors import CheckpointError
from signbit.training.runs.lock import locked

# What another training does; it says so and then waits to be killed.
HOLDER = """
import sys, time
from pathlib import Path
from signbit.training.runs.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_holder_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with (
                pytest.raises(CheckpointError, match="another process is training into this"),
                locked(tmp_path),
            ):
                pass
        finally:
            holder.kill()
    with locked(tmp_path):
        pass


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "checkpoints/.epoch-0003.4711.new").mkdir(parents=True)
    (tmp_path / "checkpoints/.epoch-0003.4711.new/state.json").write_text("{")
    (tmp_path / "checkpoints/epoch-0002").mkdir()
    (tmp_path / ".metrics.jsonl.4711.new").write_text("{")
    (tmp_path / ".00112233445566ff.tmp").write_text("{")
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    with locked(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".lock", "checkpoints", "metrics.jsonl",
    ]  # fmt: skip
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["epoch-0002"]
