"""Processes for tests: scripts, and processes of theirs that join each other.

Each script is a fork of one process that has imported what training needs, and computes nothing: a
process that has computed with torch, such as pytest's, is no good to fork.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent

_SERVER = """
import sklearn.datasets, torch, torch._dynamo
import signbit.selfsup.pretraining, signbit.training.supervised.train
import worlds

worlds.serve()
"""


def run_script(script: str, *arguments: object, timeout: float = 240) -> str:
    """Run `script` in a new process that can import this module; its stderr, if it succeeds.

    What training needs is imported already. Nothing has been computed, and nothing been patched.
    """
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.NamedTemporaryFile() as said:
        asked = [script, [*map(str, arguments)], said.name, timeout]
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        code = server.stdout.readline()
        text = Path(said.name).read_text()
    assert int(code) == 0, text
    return text


@cache
def _server() -> subprocess.Popen[str]:
    environment = {"PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def serve() -> None:
    """Run each script that stdin has a line for, and answer with its exit code.

    stdin ends when pytest does.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        script, arguments, said, timeout = json.loads(line)

        def run_it(script: str = script, arguments: list[str] = arguments) -> None:
            sys.argv[1:] = arguments
            exec(compile(script, "script", "exec"), {"__name__": "__main__"})

        (code,) = wait([_fork(0, 1, 0, run_it, Path(said))], timeout)
        print(code, file=answers, flush=True)
    os._exit(0)  # at once: to take torch apart lasts a second


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
