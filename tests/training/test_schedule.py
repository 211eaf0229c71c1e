import numpy as np
import pytest

from signbit.training.recipe.sections import Schedule, Steps, WarmUp
from signbit.training.schedule import in_words, learning_rate, progress_at


def test_cosine_falls_from_base_to_zero() -> None:
    progress = np.linspace(0, 1, 11)
    expected = 0.11 * 0.5 * (1 + np.cos(np.pi * progress))
    np.testing.assert_allclose([learning_rate("cosine", 0.11, p) for p in progress], expected)
    assert learning_rate("cosine", 0.11, 1.0) == 0.0


def test_linear_falls_from_base_to_zero() -> None:
    assert [learning_rate("linear", 2.0, p) for p in (0, 0.25, 1)] == pytest.approx([2, 1.5, 0])


def test_constant_stays() -> None:
    assert {learning_rate("constant", 0.3, p) for p in (0, 0.5, 1)} == {0.3}


def test_steps_multiply_at_their_shares() -> None:
    steps = Steps(at=(0.25, 0.5), factor=0.1)
    rates = [learning_rate(steps, 3.0, p) for p in (0, 0.24, 0.25, 0.49, 0.5, 1)]
    assert rates == pytest.approx([3, 3, 0.3, 0.3, 0.03, 0.03])


@pytest.mark.parametrize("epochs", [2, 3, 120, 128, 256])
def test_stepped_first_an_epoch_has_the_rate_of_the_one_after_it(epochs: int) -> None:
    steps = 7
    for epoch in range(epochs):
        rates = {
            learning_rate(
                "linear-stepped-first",
                2.5e-3,
                progress_at("linear-stepped-first", epoch, step, epochs=epochs, steps=steps),
            )
            for step in range(steps)
        }
        (rate,) = rates
        assert rate == pytest.approx(2.5e-3 * (1 - (epoch + 1) / epochs), abs=1e-18)
    assert rates == {0.0}


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_the_others_go_by_the_share_of_steps_that_are_done(schedule: Schedule) -> None:
    shares = [
        progress_at(schedule, epoch, step, epochs=3, steps=5)
        for epoch in range(3)
        for step in range(5)
    ]
    assert shares == [done / 15 for done in range(15)]


@pytest.mark.parametrize("then", ["cosine", "linear", "constant"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_a_warm_up_rises_on_a_line_and_leaves_the_rest_to_its_then(share: float, then: str) -> None:
    schedule = WarmUp.model_validate({"warm_up": share, "then": then})
    rising = np.linspace(0, share, 9)[:-1]
    rates = [learning_rate(schedule, 2.0, p) for p in rising]
    np.testing.assert_allclose(rates, 2.0 * (0.04 + 0.96 * rising / share))
    for part in np.linspace(0, 1, 9):
        whole = learning_rate(schedule, 2.0, share + part * (1 - share))
        assert whole == pytest.approx(learning_rate(schedule.then, 2.0, part), abs=1e-12)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("linear", "linear schedule"),
        (Steps(at=(0.5, 0.75), factor=0.1), "rate ×0.1 at 0.5, 0.75 of the run"),
        (WarmUp(warm_up=0.3), "cosine schedule after a warm-up of 0.3 of the run"),
    ],
)
def test_a_schedule_is_named_in_words(schedule: Schedule, words: str) -> None:
    assert in_words(schedule) == words
