"""Bounds of values of which it is not known where they come from."""

from __future__ import annotations

import numpy as np

from signbit.compiler.checks.interval_arithmetic import Interval, any_of


def test_values_that_were_moved_lie_between_the_bounds_of_all() -> None:
    one = Interval(np.array([-1.0, 0.0]), np.array([2.0, 3.0]))
    other = Interval(np.array([1.0]), np.array([9.0]))
    moved = any_of(4, one, other)
    np.testing.assert_array_equal(moved.low, [-1] * 4)
    np.testing.assert_array_equal(moved.high, [9] * 4)
