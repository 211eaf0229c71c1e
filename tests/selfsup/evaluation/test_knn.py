from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from signbit.errors import InputError
from signbit.selfsup.evaluation.knn import weighted_knn


def by_hand(
    bank: NDArray[np.float64],
    labels: NDArray[np.int64],
    queries: NDArray[np.float64],
    classes: int,
    neighbours: int,
    temperature: float,
) -> list[int]:
    """One query at a time, with the formula as the paper has it."""
    answers = []
    for query in queries:
        cosines = bank @ query / (np.linalg.norm(bank, axis=1) * np.linalg.norm(query))
        votes = np.zeros(classes)
        for index in np.argsort(-cosines)[:neighbours]:
            votes[labels[index]] += np.exp(cosines[index] / temperature)
        answers.append(int(np.argmax(votes)))
    return answers


@pytest.mark.parametrize(("neighbours", "temperature"), [(1, 0.07), (7, 0.07), (25, 0.5), (99, 1)])
def test_votes_are_those_of_the_formula(neighbours: int, temperature: float) -> None:
    random = np.random.default_rng(neighbours)
    bank, queries = random.normal(size=(60, 5)), random.normal(size=(700, 5))
    labels = random.integers(0, 4, 60)
    found = weighted_knn(
        torch.tensor(bank),
        torch.tensor(labels),
        torch.tensor(queries),
        classes=4,
        neighbours=neighbours,
        temperature=temperature,
    )
    assert found.tolist() == by_hand(bank, labels, queries, 4, neighbours, temperature)


def test_a_close_neighbour_outvotes_two_distant_ones() -> None:
    bank = torch.tensor([[1.0, 0.05], [0.0, 1.0], [0.1, 1.0]])
    labels = torch.tensor([0, 1, 1])
    query = torch.tensor([[30.0, 0.0]])  # its length does not matter
    assert weighted_knn(bank, labels, query, classes=2).tolist() == [0]
    flat = weighted_knn(bank, labels, query, classes=2, temperature=100.0)
    assert flat.tolist() == [1]


def test_low_temperatures_do_not_overflow() -> None:
    bank = torch.eye(3)
    found = weighted_knn(bank, torch.tensor([2, 0, 1]), bank, classes=3, temperature=1e-4)
    assert found.tolist() == [2, 0, 1]


def test_no_queries_no_answers() -> None:
    found = weighted_knn(torch.eye(3), torch.tensor([2, 0, 1]), torch.zeros(0, 3), classes=3)
    assert found.shape == (0,)


@pytest.mark.parametrize(
    ("bank", "labels", "queries", "options", "message"),
    [
        ((0, 3), 0, (1, 3), {}, "features must be"),
        ((2, 3), 2, (1, 4), {}, r"got \(2, 3\) and queries \(1, 4\)"),
        ((2, 3), 3, (1, 3), {}, r"2 images need as many labels, got \(3,\)"),
        ((2, 3), 2, (1, 3), {"neighbours": 0}, "neighbours must be >= 1"),
        ((2, 3), 2, (1, 3), {"temperature": 0.0}, "temperature > 0, got 200 and 0.0"),
    ],
)
def test_what_makes_no_sense_is_refused(bank, labels, queries, options, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        weighted_knn(
            torch.ones(bank),
            torch.zeros(labels, dtype=torch.int64),
            torch.ones(queries),
            classes=2,
            **options,
        )
