"""Sets of taps, against asking of every tap whether it lies inside the image."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signbit.bitformat.taps import axis_taps, tap_sets_at_any_size, taps_inside, window_count

paddings = st.integers(0, 6)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(
    size=st.integers(1, 12),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 5),
    before=paddings,
    after=paddings,
    dilation=st.integers(1, 3),
)
def test_windows_are_placed_one_by_one(
    size: int, kernel: int, stride: int, before: int, after: int, dilation: int
) -> None:
    reach = dilation * (kernel - 1)
    starts = [at for at in range(-before, size + after, stride) if at + reach < size + after]
    assert max(0, window_count(size, kernel, stride, before, after, dilation)) == len(starts)
    inside = [
        frozenset(tap for tap in range(kernel) if 0 <= start + tap * dilation < size)
        for start in starts
    ]
    taps = axis_taps(size, kernel, stride, before, after, dilation)
    numbered = list(dict.fromkeys(inside))  # in the order of their first appearance
    assert list(taps.by_position) == [numbered.index(each) for each in inside]
    assert [frozenset(range(*each)) for each in taps.sets] == numbered
    assert all(each == (0, 0) for each in taps.sets if each[0] == each[1])


def test_a_usual_window_by_hand() -> None:
    taps = axis_taps(size=5, kernel=3, stride=1, before=1, after=1)
    assert taps.sets == ((1, 3), (0, 3), (0, 2))
    assert taps.by_position == (0, 1, 1, 1, 2)
    assert axis_taps(size=5, kernel=3, stride=1).sets == ((0, 3),)
    # A window that sees both borders at once, between two that see one.
    assert axis_taps(size=1, kernel=2, stride=1, before=1, after=1).sets == ((1, 2), (0, 1))
    assert axis_taps(size=2, kernel=3, stride=1, before=2, after=2).sets == (
        *((2, 3), (1, 3), (0, 2), (0, 1)),
    )


def test_sides_of_their_own() -> None:
    assert axis_taps(size=6, kernel=3, stride=2, after=1).by_position == (0, 0, 1)
    assert axis_taps(size=6, kernel=3, stride=2, before=1).sets == ((1, 3), (0, 3))


@pytest.mark.parametrize(("start", "taps"), [(-9, (0, 0)), (-4, (2, 3)), (3, (0, 1)), (5, (0, 0))])
def test_dilated_taps(start: int, taps: tuple[int, int]) -> None:
    assert taps_inside(5, 3, start, dilation=2) == taps


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    kernel=st.integers(1, 6),
    stride=st.integers(1, 5),
    before=paddings,
    after=paddings,
    dilation=st.integers(1, 3),
)
def test_the_sets_of_every_size(
    kernel: int, stride: int, before: int, after: int, dilation: int
) -> None:
    along = (kernel, stride, before, after, dilation)
    found = tap_sets_at_any_size(*along)
    assert set(found) == {taps for size in range(1, 60) for taps in axis_taps(size, *along).sets}
    assert len(set(found)) == len(found)
