"""Times contenders side by side: round-robin, so that all meet the same machine.

Thread pools spin for a while after a call. So every turn begins with a pause in which the pools of
the others fall asleep, and with calls that are not counted, in which its own wakes up.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

__all__ = ["Samples", "interleave", "median", "ratio"]

Samples = dict[str, list[float]]
"""Contender → its milliseconds per call, one number per round (the median of the round's calls)."""

PAUSE_SECONDS = 0.01
"""OpenMP's, TBB's and ONNX Runtime's threads sleep after less."""

TURN_SECONDS = 0.03
MOST_CALLS = 200


def interleave(
    contenders: Mapping[str, Callable[[], object]], seconds: float, pause: float = PAUSE_SECONDS
) -> Samples:
    """Run all contenders in turn until `seconds` are over, at least three rounds.

    A turn is some 30 ms of counted calls, at least two; the order reverses every round.
    """
    calls = {name: _calls_a_turn(run) for name, run in contenders.items()}
    samples: Samples = {name: [] for name in contenders}
    end = time.perf_counter() + seconds
    names = list(contenders)
    rounds = 0
    while rounds < 3 or time.perf_counter() < end:
        for name in names:
            samples[name].append(_turn(contenders[name], calls[name], pause))
        names.reverse()
        rounds += 1
    return samples


def median(samples: Samples, name: str) -> float:
    """Milliseconds per call: the median over the rounds."""
    return statistics.median(samples[name])


def ratio(samples: Samples, slow: str, fast: str) -> float:
    """How many times `slow` takes `fast`'s time: the median of the rounds' ratios."""
    pairs: Sequence[tuple[float, float]] = list(zip(samples[slow], samples[fast], strict=True))
    return statistics.median(a / b for a, b in pairs)


def _calls_a_turn(run: Callable[[], object]) -> int:
    """From a few calls, which also warm up caches and allocators."""
    run()
    start = time.perf_counter()
    run()
    run()
    took = (time.perf_counter() - start) / 2
    return max(2, min(MOST_CALLS, int(TURN_SECONDS / max(took, 1e-9))))


def _turn(run: Callable[[], object], calls: int, pause: float) -> float:
    if pause:
        time.sleep(pause)
    for _ in range(1 + calls // 10):
        run()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3
