"""The ring against a list that keys are put into one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from signbit.errors import InputError
from signbit.selfsup.objectives.queue import KeyQueue


def test_it_starts_with_random_keys_of_length_one() -> None:
    torch.manual_seed(4)
    queue = KeyQueue(7, 3)
    torch.manual_seed(4)
    assert torch.equal(KeyQueue(7, 3).keys, queue.keys)
    np.testing.assert_allclose(np.linalg.norm(queue.keys, axis=1), 1, rtol=1e-6)
    assert len(np.unique(queue.keys)) == 21
    assert int(queue.pointer) == 0


# 3 divides neither 7 nor 5; 7 fills it; 16 goes round twice and stops in between.
@pytest.mark.parametrize("batches", [[3, 3, 3], [7, 1], [5, 16, 2], [8], [15, 14, 13], [0, 2]])
def test_any_batch_size_is_first_in_first_out(batches: list[int]) -> None:
    queue = KeyQueue(7, 2).double()
    ring, pointer = queue.keys.numpy().copy(), 0
    for size in batches:
        keys = torch.randn(size, 2, dtype=torch.float64)
        queue.enqueue(keys)
        for key in keys.numpy():
            ring[pointer] = key
            pointer = (pointer + 1) % 7
        np.testing.assert_array_equal(queue.keys, ring)
        assert int(queue.pointer) == pointer


def test_a_checkpoint_holds_keys_and_pointer() -> None:
    queue = KeyQueue(7, 2)
    queue.enqueue(torch.randn(5, 2))
    other = KeyQueue(7, 2)
    other.load_state_dict(queue.state_dict())
    for each in (queue, other):
        each.enqueue(torch.ones(4, 2))
    assert torch.equal(queue.keys, other.keys)
    assert int(other.pointer) == 2


@pytest.mark.parametrize(("size", "dim"), [(0, 2), (2, 0), (-1, 2)])
def test_sizes_below_one_are_refused(size: int, dim: int) -> None:
    with pytest.raises(InputError, match=f"size and dim >= 1, got {size} and {dim}"):
        KeyQueue(size, dim)
