from signbit.data.loading.seeds import derive_seed


def test_seeds_differ_by_every_word_and_stay_in_range() -> None:
    seeds = {
        derive_seed(seed, purpose, epoch, step)
        for seed in range(3)
        for purpose in ("order", "augment")
        for epoch in range(3)
        for step in range(3)
    }
    assert len(seeds) == 54
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seeds_are_the_same_on_every_machine() -> None:
    # SHA-256 of "0/order/1", its first eight bytes little-endian, without the lowest bit.
    assert derive_seed(0, "order", 1) == 0x7968AC4745839B7C >> 1
