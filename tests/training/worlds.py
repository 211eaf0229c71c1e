"""Processes for tests: a fresh interpreter that imports once, and forks of it that join each other.

Nothing here runs under pytest itself: a process that has computed with torch is no good to fork.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run_script(script: str, *arguments: object, timeout: float = 240) -> str:
    """Run `script` in a new interpreter that can import this module; its stderr, if it succeeds."""
    environment = {"PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def start(world: int, function: Callable[[], object], said: Path | None = None) -> list[int]:
    """Fork `world` processes that each call `function`; their ids, by rank.

    They see the variables that torchrun sets. `said` gets what they write to stderr.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [_fork(rank, world, port, function, said) for rank in range(world)]


def wait(processes: list[int], seconds: float = 120) -> list[int]:
    """The exit codes, −N for signal N; all are killed after `seconds`."""
    deadline = time.monotonic() + seconds
    codes: dict[int, int] = {}
    while len(codes) < len(processes):
        for process in set(processes) - set(codes):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                codes[process] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                os.kill(process, signal.SIGKILL)
        time.sleep(0.005)
    return [codes[process] for process in processes]


def run(world: int, function: Callable[[], object]) -> None:
    """`start` and `wait` for processes that have to succeed."""
    assert wait(start(world, function)) == [0] * world


def wait_for(path: Path) -> None:
    """Return once `path` exists."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.005)


def _fork(
    rank: int, world: int, port: int, function: Callable[[], object], said: Path | None
) -> int:
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        if world > 1:
            os.environ.update(
                MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), WORLD_SIZE=str(world),
                RANK=str(rank), LOCAL_RANK=str(rank),
            )  # fmt: skip
        if said is not None:
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        function()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
