import numpy as np
import pytest

from signbit.data import ImageDataset
from signbit.data.loading.loader import Batch, Loader, shard


def numbered(count: int) -> ImageDataset:
    """Image i has the pixel i and the label i mod 3."""
    images = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
    return ImageDataset.from_arrays(
        images, np.arange(count) % 3, ["a", "b", "c"], source="s", split="train"
    )


def order(batches: list[Batch]) -> list[int]:
    return [int(pixel) for batch in batches for pixel in batch.images.flatten()]


@pytest.mark.parametrize(("count", "batch_size"), [(10, 4), (12, 4), (3, 8), (9, 8)])
def test_an_epoch_sees_every_image_once_in_batches_of_nearly_one_size(
    count: int, batch_size: int
) -> None:
    loader = Loader(numbered(count), batch_size, seed=0)
    batches = list(loader.epoch(0))
    sizes = [len(batch.labels) for batch in batches]
    assert len(batches) == loader.steps == -(-count // batch_size)
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    assert sorted(order(batches)) == list(range(count))
    assert all(batch.total == size for batch, size in zip(batches, sizes, strict=True))


def test_labels_stay_with_their_images() -> None:
    for batch in Loader(numbered(20), 6, seed=0).epoch(3):
        np.testing.assert_array_equal(batch.labels, batch.images.flatten() % 3)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    def epoch(seed: int, number: int) -> tuple[list[int], list[int]]:
        batches = list(Loader(numbered(50), 8, seed).epoch(number))
        return order(batches), [batch.seed for batch in batches]

    assert epoch(0, 4) == epoch(0, 4)
    assert len({tuple(epoch(seed, number)[0]) for seed in (0, 1) for number in (0, 1)}) == 4
    seeds = [seed for number in (0, 1) for seed in epoch(0, number)[1]]
    assert len(set(seeds)) == len(seeds)


def test_processes_share_each_batch_out() -> None:
    whole = list(Loader(numbered(23), 8, seed=1).epoch(2))
    parts = [list(Loader(numbered(23), 8, 1, rank=rank, world=3).epoch(2)) for rank in range(3)]
    for step, batch in enumerate(whole):
        own = [part[step] for part in parts]
        assert order(own) == order([batch])
        assert all(part.total == batch.total for part in own)
        assert {part.seed for part in own} == {batch.seed}
        for part in own:
            assert order([batch])[part.first : part.first + len(part.labels)] == order([part])


@pytest.mark.parametrize(("count", "world"), [(10, 3), (2, 4), (0, 2)])
def test_shards_cover_everything_once(count: int, world: int) -> None:
    parts = [shard(count, rank, world) for rank in range(world)]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(count))
