"""Signals during a long call: Ctrl-C ends it within a second, and the engine answers as before."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.bitformat.builder import Builder

import signbit
from signbit.bitformat import encode
from signbit.bitformat.graph import Output
from signbit.runtime.engine import Engine


def network(side: int, kernel: int, filters: int) -> bytes:
    """Means of a binary convolution of a real one."""
    b = Builder(3)
    window = {"kernel": (kernel, kernel), "padding": (kernel // 2,) * 4}
    image = b.input("image", "image", side, side, 3)
    weight = b.floats(filters, kernel, kernel, 3)
    signs = (Output("signs"),)
    stem = b.node("stem", "real_conv", (image,), outputs=signs, weight=weight, **window)
    weight = b.filters(filters, kernel * kernel * filters)
    body = b.node("body", "binary_conv", (stem,), weight=weight, **window)
    b.output("means", b.node("means", "global_mean", (body,)))
    return encode(*b.sample())


SMALL = network(32, 3, 16)
LARGE = network(1024, 31, 32)  # a single image takes seconds on one thread


def for_ever(call: Callable[[], object]) -> None:
    while True:
        call()


def interrupted_after(seconds: float, call: Callable[[], object]) -> float:
    """Seconds of computing from the signal to the KeyboardInterrupt, however busy the machine."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.process_time())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, send)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            for_ever(call)
        return time.process_time() - sent[0]
    finally:
        timer.join()


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("isa", [signbit.cpu_isas()[0], "scalar"])
def test_a_batch_of_many_images_ends(threads: int, isa: str) -> None:
    engine = signbit.load(SMALL, threads=threads, isa=isa)
    images = np.random.default_rng(1).integers(0, 256, (40_000, 32, 32, 3), dtype=np.uint8)
    expected = engine(images[:9])
    assert interrupted_after(0.3, lambda: engine(images)) < 0.3 * threads
    np.testing.assert_array_equal(engine(images[:9]), expected)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "call",
    [
        lambda engine, image: engine(image),
        lambda engine, image: engine.explain(image),
        lambda engine, image: engine.run_nodes({0: image}, [2]),
    ],
    ids=["call", "explain", "run_nodes"],
)
def test_one_large_image_ends(threads: int, call: Callable[[Engine, Any], object]) -> None:
    engine = signbit.load(LARGE, threads=threads, max_operations=2**62)
    image = np.zeros((1, 1024, 1024, 3), np.uint8)
    assert interrupted_after(0.3, lambda: call(engine, image)) < 0.3 * threads


def test_another_handlers_error_ends_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(number: int, frame: object) -> None:
        raise TimeoutError("too late")

    engine = signbit.load(SMALL, threads=1)
    images = np.zeros((40_000, 32, 32, 3), np.uint8)
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(TimeoutError, match="too late"):
            for_ever(lambda: engine(images))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_handler_that_does_not_raise_changes_nothing() -> None:
    """It may call the engine itself."""
    engine = signbit.load(SMALL, threads=2)
    images = np.random.default_rng(2).integers(0, 256, (20_000, 32, 32, 3), dtype=np.uint8)
    expected = engine(images)
    heard: list[Any] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: heard.append(engine(images[:3])))
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        while not heard:
            np.testing.assert_array_equal(engine(images), expected)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    for each in heard:
        np.testing.assert_array_equal(each, expected[:3])


def test_calls_of_other_threads_go_on() -> None:
    """Python tells its main thread alone."""
    engine = signbit.load(SMALL, threads=1)
    images = np.zeros((40_000, 32, 32, 3), np.uint8)
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(engine(images)))
    thread.start()
    interrupted_after(0.1, lambda: time.sleep(0.01))
    thread.join()
    assert len(done) == 1
