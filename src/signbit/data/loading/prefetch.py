"""The next batches are prepared in a thread while the training step runs."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from queue import Queue
from threading import Event, Thread
from typing import Generic, TypeVar

__all__ = ["prefetched", "timed"]

T = TypeVar("T")

_AHEAD = 2


class _Ended(Generic[T]):
    """Put after the last item; `error` is what stopped the items, or None."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetched(items: Iterable[T]) -> Generator[T, None, None]:
    """The same items in order, made by a thread that is up to two of them ahead.

    Whatever `items` raises is raised here, after the items before it. Closing the generator (a
    `for` loop that is left by an exception does) waits for the item in hand and ends the thread.
    """
    ready: Queue[T | _Ended[T]] = Queue(_AHEAD)
    stop = Event()

    def work() -> None:
        error = None
        try:
            for item in items:
                ready.put(item)
                if stop.is_set():
                    return
        except BaseException as caught:  # a KeyboardInterrupt too: it belongs to the main thread
            error = caught
        if not stop.is_set():
            ready.put(_Ended(error))

    thread = Thread(target=work, name="signbit-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if not isinstance(item, _Ended):
                yield item
            elif item.error is None:
                return
            else:
                raise item.error
    finally:
        stop.set()
        # At most one more `put` follows, for which this makes room.
        while not ready.empty():
            ready.get_nowait()
        thread.join()


def timed(items: Iterator[T]) -> Iterator[tuple[T, float]]:
    """Each item with the seconds that it was waited for."""
    while True:
        started = time.perf_counter()
        try:
            item = next(items)
        except StopIteration:
            return
        yield item, time.perf_counter() - started
