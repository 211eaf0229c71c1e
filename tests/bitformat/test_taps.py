"""Border patterns, against asking of every tap whether it lies inside the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.bitformat.format3_sample import CONVOLVE, format3_sample

from signbit.bitformat.borders import axis_patterns, border_patterns, has_border_shift
from signbit.bitformat.graph import output_size


@pytest.mark.parametrize("size", [1, 2, 5, 9])
@pytest.mark.parametrize("kernel", [1, 2, 3, 7])
@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_patterns(size: int, kernel: int, stride: int, padding: int, dilation: int) -> None:
    patterns = axis_patterns(size, kernel, stride, padding, dilation)
    inside = []
    for position in range(output_size(size, kernel, stride, padding, dilation)):
        taps = [position * stride - padding + tap * dilation for tap in range(kernel)]
        inside.append(frozenset(t for t, at in enumerate(taps) if 0 <= at < size))
    numbered = list(dict.fromkeys(inside))  # in the order of their first appearance
    assert list(patterns.by_position) == [numbered.index(taps) for taps in inside]
    assert [frozenset(range(*taps)) for taps in patterns.taps] == numbered
    assert all(taps == (0, 0) for taps in patterns.taps if taps[0] == taps[1])


def test_a_usual_window_by_hand() -> None:
    patterns = axis_patterns(size=5, kernel=3, stride=1, padding=1)
    assert patterns.taps == ((1, 3), (0, 3), (0, 2))
    assert patterns.by_position == (0, 1, 1, 1, 2)
    assert axis_patterns(size=5, kernel=3, stride=1, padding=0).taps == ((0, 3),)
    # A window that sees both borders at once, between two that see one.
    assert axis_patterns(size=1, kernel=2, stride=1, padding=1).taps == ((1, 2), (0, 1))
    assert axis_patterns(size=2, kernel=3, stride=1, padding=2).taps == (
        *((2, 3), (1, 3), (0, 2), (0, 1)),
    )


def test_rows_and_columns() -> None:
    graph, _ = format3_sample()
    node = replace(graph.nodes[CONVOLVE], kernel=(3, 1), padding=(1, 0), stride=(2, 1))
    rows, columns = border_patterns(node, 6, 5)
    assert rows.taps == ((1, 3), (0, 3))
    assert rows.by_position == (0, 1, 1)
    assert columns.by_position == (0,) * 5


def test_which_shifts_go_by_border() -> None:
    graph, constants = format3_sample()
    shifts = [has_border_shift(node, constants) for node in graph.nodes]
    assert shifts == [index == CONVOLVE for index in range(len(graph.nodes))]
    flat = {**constants, "conv.shift": np.zeros(10, np.float32)}
    assert not has_border_shift(graph.nodes[CONVOLVE], flat)
    assert not has_border_shift(replace(graph.nodes[CONVOLVE], op="real_conv"), constants)
