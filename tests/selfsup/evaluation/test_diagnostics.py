"""The measures against NumPy in float64, on rows that are spread out and on rows that collapsed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.selfsup import small

from signbit.errors import InputError
from signbit.selfsup.evaluation.diagnostics import (
    deviation,
    diagnose,
    effective_rank,
    kl_divergence,
    top1_agreement,
)


def rows(images: int, dim: int, seed: int = 0) -> small.Array:
    return np.random.default_rng(seed).normal(0.3, 2, (images, dim))


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_divergence_and_agreement(temperature: float) -> None:
    teacher, student = rows(40, 6), rows(40, 6, 1)
    p, q = (
        np.exp(small.log_softmax(small.unit(each) / temperature)) for each in (teacher, student)
    )
    a, b = torch.tensor(teacher), torch.tensor(student)
    expected = (p * np.log(p / q)).sum(1).mean()
    assert kl_divergence(a, b, temperature) == pytest.approx(expected, rel=1e-12)
    assert kl_divergence(a, 3 * a, temperature) == pytest.approx(0, abs=1e-12)
    same = np.mean(teacher.argmax(1) == student.argmax(1))
    assert 0 < same < 1
    assert top1_agreement(a, b) == pytest.approx(same)
    assert top1_agreement(a, 3 * a) == 1


def test_the_guided_loss_is_divergence_and_entropy() -> None:
    teacher, student = rows(40, 6), rows(40, 6, 1)
    p = np.exp(small.log_softmax(small.unit(teacher) / 0.2))
    loss = small.guidance(small.unit(teacher), small.unit(student), 0.2).mean()
    divergence = kl_divergence(torch.tensor(teacher), torch.tensor(student), 0.2)
    assert loss == pytest.approx(divergence - (p * np.log(p)).sum(1).mean(), rel=1e-12)


def test_deviation_from_spread_out_to_collapsed() -> None:
    spread = rows(30, 5)
    unit = small.unit(spread)
    expected = np.sqrt(((unit - unit.mean(0)) ** 2).mean(0)).mean()
    assert deviation(torch.tensor(spread)) == pytest.approx(expected, rel=1e-12)
    assert deviation(torch.tensor(spread * 7).float()) == pytest.approx(expected, rel=1e-5)
    even = np.concatenate([np.eye(4), -np.eye(4)])
    assert deviation(torch.tensor(even)) == pytest.approx(1 / 2)  # 1/√dim
    assert deviation(torch.tensor(np.tile(spread[:1], (30, 1)))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("shape", [(30, 5), (4, 9)])
def test_effective_rank(shape: tuple[int, int]) -> None:
    given = rows(*shape)
    values = np.sqrt(np.abs(np.linalg.eigvalsh(given @ given.T)))[-min(shape) :]
    p = values / values.sum()
    expected = np.exp(-(p * np.log(p)).sum())
    assert effective_rank(torch.tensor(given)) == pytest.approx(expected, rel=1e-6)
    assert effective_rank(5 * torch.tensor(given).float()) == pytest.approx(expected, rel=1e-5)


def test_effective_rank_of_plain_cases() -> None:
    assert effective_rank(torch.eye(6)) == pytest.approx(6)
    assert effective_rank(torch.eye(6)[:, :3]) == pytest.approx(3)
    alike = torch.tensor(np.tile(rows(1, 5), (30, 1)))
    assert effective_rank(alike) == pytest.approx(1, abs=1e-6)
    assert effective_rank(torch.zeros(4, 3)) == 0


def test_all_at_once() -> None:
    features, embedding, teacher = (torch.tensor(rows(20, dim, dim)) for dim in (9, 6, 6))
    teacher = teacher.roll(1, 0)
    found = diagnose(features, embedding, teacher, temperature=0.5)
    assert found == {
        "embedding/deviation": deviation(embedding),
        "embedding/rank": effective_rank(embedding),
        "features/rank": effective_rank(features),
        "teacher/kl": kl_divergence(teacher, embedding, 0.5),
        "teacher/agreement": top1_agreement(teacher, embedding),
    }
    assert {*found} - {*diagnose(features, embedding)} == {"teacher/kl", "teacher/agreement"}


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match=r"one shape, got \(4, 3\) and \(4, 2\)"):
        kl_divergence(torch.ones(4, 3), torch.ones(4, 2), 0.2)
    with pytest.raises(InputError, match=r"one shape"):
        top1_agreement(torch.ones(5, 3), torch.ones(4, 3))
    with pytest.raises(InputError, match=r"of \(images, dim\), got \(0, 3\)"):
        deviation(torch.ones(0, 3))
    with pytest.raises(InputError, match=r"of \(images, dim\), got \(4,\)"):
        effective_rank(torch.ones(4))
    for temperature in (0, 1e-300, float("inf"), float("nan")):
        with pytest.raises(InputError, match=r"temperature must be in 0\.001 … 1000, got"):
            kl_divergence(torch.ones(4, 3), torch.ones(4, 3), temperature)
