"""The peers' own process.

OpenVINO (2026.4) gives the thread that compiles a model an alternate signal stack, and unmaps it
with the model. The next signal with a handler on that stack then ends the process with SIGSEGV:
such as SIGCHLD, once torch's DataLoader handles it, when any child ends.
"""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

PEERS = ("nncf", "onnxruntime", "openvino")

Alone = Callable[..., Any]
"""Calls a function of `peer_answers`, by name, where the peers are; its result."""


def _call(name: str, arguments: tuple[Any, ...]) -> Any:
    answers = importlib.import_module("tests.benchmarks.peer_answers")
    return getattr(answers, name)(*arguments)


@pytest.fixture(scope="session")
def beside_peers() -> Iterator[Alone]:
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs the peers that `make bench` installs, here without {missing[0]}")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        yield lambda name, *arguments: process.submit(_call, name, arguments).result()
