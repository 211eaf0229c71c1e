"""The guidance's loss and gradient against NumPy in float64, and which teachers are taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.selfsup import small
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.selfsup import Guided
from signbit.selfsup.objectives.guided import Calibration


@pytest.mark.parametrize("temperature", [0.05, 0.2, 1.0])
def test_the_loss_of_a_batch(temperature: float) -> None:
    own = Guided(small.embedder(), small.teacher(), temperature=temperature).eval()
    pixels = small.views()[0]
    with torch.no_grad():
        answers = small.unit(np.asarray(own.calibration.teacher(pixels)))
    expected = small.guidance(answers, small.embedding(own.embedder, pixels), temperature).mean()
    losses = own(pixels)
    assert losses.total.item() == pytest.approx(expected, rel=1e-12)
    assert {name: part.item() for name, part in losses.parts.items()} == {
        "guided": losses.total.item()
    }
    # The key view is another objective's.
    assert own(pixels, torch.zeros_like(pixels)).total.item() == losses.total.item()


def test_the_gradient_by_differences() -> None:
    calibration = Calibration(small.embedder(), small.teacher(), temperature=0.2)
    pixels = small.views()[0]
    given = torch.randn(5, small.DIM, dtype=torch.float64, requires_grad=True)
    calibration(given, pixels).sum().backward()
    answers = small.unit(np.asarray(calibration.teacher(pixels)))

    def loss(embedding: small.Array) -> float:
        return float(small.guidance(answers, small.unit(embedding), 0.2).sum())

    base = given.detach().numpy()
    assert given.grad is not None
    for index in np.ndindex(*base.shape):
        step = np.zeros_like(base)
        step[index] = 1e-6
        slope = (loss(base + step) - loss(base - step)) / 2e-6
        assert float(given.grad[index]) == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_the_teacher_is_frozen_and_no_part_of_the_state() -> None:
    teacher = small.teacher()
    own = Guided(small.embedder(), teacher, temperature=0.2).train()
    assert own.calibration.teacher is teacher
    # With its dropout at work two answers would differ.
    pixels = small.views()[0]
    assert torch.equal(teacher(pixels), teacher(pixels))
    own(pixels).total.backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert all(name.startswith("embedder.") for name in own.state_dict())
    assert all(parameter.grad is not None for parameter in own.parameters())
    assert teacher not in set(own.modules())
    # Neither queue nor momentum encoder.
    assert [name for name, _ in own.named_children()] == ["embedder", "calibration"]
    own.float()
    assert {parameter.dtype for parameter in teacher.parameters()} == {torch.float32}
    own.after_step()


def test_the_teacher_stays_in_eval_mode_inside_of_a_users_module() -> None:
    teacher = nn.Sequential(small.teacher(), nn.BatchNorm1d(small.DIM)).double()
    own = Guided(small.embedder(), teacher, temperature=0.2).eval()
    pixels = small.views()[0]
    loss = own(pixels).total
    nn.ModuleDict({"teacher": teacher, "objective": own}).train()
    own.eval()  # the student alone: the teacher is not its child
    assert teacher.training
    assert own(pixels).total.item() == loss.item()
    assert not any(module.training for module in teacher.modules())
    assert int(teacher[1].num_batches_tracked) == 0


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"as wide as the student's, 6: .* gave \(1, 9\), not"):
        Guided(small.embedder(), small.teacher(9), temperature=0.2)
    with pytest.raises(InputError, match="gave tuple, not"):
        Guided(small.embedder(), Pair(), temperature=0.2)
    for temperature in (0.0, -0.2, 1e-30, float("inf"), float("nan")):
        with pytest.raises(InputError, match=r"temperature must be in 0\.001 … 1000, got"):
            Guided(small.embedder(), small.teacher(), temperature=temperature)
    assert not Guided.needs_two_views
