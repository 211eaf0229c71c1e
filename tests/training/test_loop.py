from collections.abc import Iterator

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from signbit.errors import DivergedError
from signbit.training.loop import EpochPlan, Step, run_epochs
from signbit.training.progress import TrainingProgress
from signbit.training.recipe.sections import Schedule


class Countdown:
    """w starts at 0; step n of an epoch has the loss w·(n + 1), so its gradient is n + 1."""

    def __init__(self, broken: bool = False) -> None:
        self.weight = nn.Parameter(torch.zeros(()))
        self.events: list[str] = []
        self.draws: list[float] = []
        self.steps = 3
        self.test_loss = 1.5
        self.waited = 0.0
        self._broken = broken

    def start_epoch(self, epoch: int) -> None:
        self.events.append(f"epoch {epoch}")
        self.draws.append(float(torch.rand(())))

    def forward(self, epoch: int) -> Iterator[Step]:
        for number in range(self.steps):
            factor = float("nan") if self._broken else float(number + 1)
            yield Step(self.weight * factor, images=10, waited=self.waited)

    def after_step(self) -> None:
        self.events.append(f"{float(self.weight.detach()):.4f}")

    def evaluate(self, epoch: int) -> dict[str, float]:
        return {"top1": 0.25, "test_loss": self.test_loss}


def run(task: Countdown, first: int = 0, schedule: Schedule = "linear") -> list[dict[str, float]]:
    entries: list[dict[str, float]] = []

    def finish(epoch: int, entry: dict[str, float]) -> None:
        assert epoch + 1 == entry["epoch"]
        entries.append(entry)

    with TrainingProgress(2, task.steps, first, show=False) as progress:
        run_epochs(
            task,
            EpochPlan(epochs=2, schedule=schedule, rates=(0.6,), seed=0),
            torch.optim.SGD([task.weight], lr=123.0),
            Accelerator(mixed_precision="no"),
            scaler=torch.amp.GradScaler("cpu", enabled=False),
            first=first,
            progress=progress,
            scalars=None,
            finish=finish,
        )
    return entries


def test_steps_follow_the_schedule_and_the_hooks_their_order() -> None:
    task = Countdown()
    entries = run(task)
    # lr 0.6 falls by 0.1 a step, gradients are 1, 2, 3: w = −0.6, −1.6, −2.8, −3.1, −3.5, −3.8.
    assert task.events == [
        *["epoch 0", "-0.6000", "-1.6000", "-2.8000"],
        *["epoch 1", "-3.1000", "-3.5000", "-3.8000"],
    ]
    assert [entry["epoch"] for entry in entries] == [1, 2]
    assert [entry["lr"] for entry in entries] == pytest.approx([0.6, 0.3])
    # Losses w·(n + 1) of the first epoch: 0, −1.2, −4.8.
    assert entries[0]["train_loss"] == pytest.approx(-2.0)
    assert entries[0]["top1"] == 0.25
    assert entries[0]["seconds"] > 0


def test_the_wait_for_input_is_a_share_of_the_epoch() -> None:
    task = Countdown()
    assert [entry["wait"] for entry in run(task)] == [0.0, 0.0]
    task = Countdown()
    task.waited = 7.0
    for entry in run(task):
        assert entry["wait"] * entry["seconds"] == pytest.approx(21.0)


def test_a_later_start_has_the_rates_and_draws_of_an_unbroken_run() -> None:
    whole, late = Countdown(), Countdown()
    run(whole)
    run(late, first=1)
    assert late.events == ["epoch 1", "-0.3000", "-0.7000", "-1.0000"]
    assert late.draws == whole.draws[1:]


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    with pytest.raises(DivergedError, match=r"diverged: the loss of epoch 1 is nan; lower"):
        run(Countdown(broken=True))


def test_a_test_loss_that_is_no_number_stops_the_run() -> None:
    task = Countdown()
    task.test_loss = float("nan")
    with pytest.raises(DivergedError, match=r"diverged: the test loss of epoch 1 is nan; lower"):
        run(task)


class LastStepBreaks(Countdown):
    """Its losses stay finite; the last update of an epoch leaves an infinite weight."""

    def after_step(self) -> None:
        super().after_step()
        if len(self.events) == 1 + self.steps:
            self.weight.data.fill_(float("inf"))


def test_a_parameter_that_is_no_number_stops_the_run() -> None:
    with pytest.raises(DivergedError, match=r"diverged: a parameter after epoch 1 is nan; lower"):
        run(LastStepBreaks())


def test_stepped_first_every_step_of_an_epoch_has_its_rate_and_the_last_epoch_none() -> None:
    task = Countdown()
    entries = run(task, schedule="linear-stepped-first")
    assert [entry["lr"] for entry in entries] == [pytest.approx(0.3), 0.0]
    # Gradients 1, 2, 3 at half of 0.6; then nothing moves.
    weights = [float(event) for event in task.events if not event.startswith("epoch")]
    assert weights == pytest.approx([-0.3, -0.9, -1.8, -1.8, -1.8, -1.8])
    resumed = Countdown()
    assert [entry["lr"] for entry in run(resumed, first=1, schedule="linear-stepped-first")] == [0]
