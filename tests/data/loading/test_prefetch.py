import threading
from collections.abc import Iterator
from contextlib import closing
from threading import Event

import pytest

from signbit.data.loading.prefetch import prefetched, timed


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "prefetch" in thread.name]


def test_items_come_in_order_and_the_thread_ends() -> None:
    assert list(prefetched(iter(range(50)))) == list(range(50))
    assert list(prefetched(())) == []
    assert threads() == []


def test_items_are_made_by_another_thread_two_ahead() -> None:
    made: list[tuple[int, int]] = []
    third = Event()

    def items() -> Iterator[int]:
        for number in range(9):
            made.append((number, threading.get_ident()))
            if number == 3:
                third.set()
            yield number

    with closing(prefetched(items())) as ready:
        assert next(ready) == 0
        # One is taken, two lie ready, and the fourth is in hand.
        assert third.wait(10)
        assert [number for number, _ in made] == [0, 1, 2, 3]
    assert {thread for _, thread in made} != {threading.get_ident()}
    assert threads() == []


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_errors_arrive_after_the_items_before_them(error: BaseException) -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise error

    taken: list[int] = []
    with pytest.raises(type(error)) as caught:
        taken.extend(prefetched(items()))
    assert caught.value is error
    assert taken == [1, 2]
    assert threads() == []


def test_leaving_early_ends_the_thread_and_closes_the_items() -> None:
    closed = Event()

    def items() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            closed.set()

    with closing(prefetched(items())) as ready:
        assert [next(ready) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert threads() == []
    assert closed.wait(10)


def test_an_error_that_nobody_takes_ends_the_thread_too() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("late")

    with closing(prefetched(items())) as ready:
        assert next(ready) == 1
    assert threads() == []


def test_timed_measures_only_the_wait() -> None:
    def items() -> Iterator[int]:
        Event().wait(0.02)
        yield 1
        yield 2

    pairs = list(timed(items()))
    assert [item for item, _ in pairs] == [1, 2]
    assert pairs[0][1] >= 0.02
    assert all(waited >= 0 for _, waited in pairs)
