from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from signbit.data.loading.seeds import derive_seed
from signbit.errors import DivergedError, InputError
from signbit.selfsup.evaluation.features import CachedBatches, Features
from signbit.selfsup.evaluation.linear import ProbePlan, choose_rate, score, train_linear

CPU = torch.device("cpu")


def blobs(count: int, classes: int = 3, width: int = 5, seed: int = 0) -> Features:
    """Images of class c lie around a point of its own."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(classes, width, generator=torch.Generator().manual_seed(9))
    labels = torch.arange(count) % classes
    noise = 0.3 * torch.randn(count, width, generator=generator)
    return Features(4 * (centres[labels] + noise), labels)


def by_hand(features: Features, plan: ProbePlan, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The protocol in NumPy float64: SGD with momentum, rate / 10 after 60 and 80 % of epochs."""
    x, y = features.values.numpy().astype(np.float64), features.labels.numpy()
    width = x.shape[1]
    generator = torch.Generator().manual_seed(derive_seed(plan.seed, "linear"))
    weight = 0.01 * torch.randn(classes, width, generator=generator).numpy().astype(np.float64)
    bias = np.zeros(classes)
    moved = [np.zeros_like(weight), np.zeros_like(bias)]
    for epoch in range(plan.epochs):
        rate = plan.rates[0] * 0.1 ** ((epoch >= 0.6 * plan.epochs) + (epoch >= 0.8 * plan.epochs))
        seed = derive_seed(plan.seed, "order of features", epoch)
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).numpy()
        for start in range(0, len(x), plan.batch_size):
            part = order[start : start + plan.batch_size]
            logits = x[part] @ weight.T + bias
            answers = np.exp(logits - logits.max(1, keepdims=True))
            answers /= answers.sum(1, keepdims=True)
            answers[np.arange(len(part)), y[part]] -= 1
            gradients = answers.T @ x[part] / len(part), answers.mean(0)
            moved = [0.9 * old + new for old, new in zip(moved, gradients, strict=True)]
            weight -= rate * moved[0]
            bias -= rate * moved[1]
    return weight, bias


def test_the_training_is_the_protocol_computed_by_hand() -> None:
    features, plan = blobs(23), ProbePlan(epochs=10, batch_size=6, rates=(0.1,), seed=4)
    (head,) = train_linear(CachedBatches(features, 6, 4), 5, 3, plan, CPU)
    assert head is not None
    weight, bias = by_hand(features, plan, 3)
    np.testing.assert_allclose(head.weight.detach().numpy(), weight, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(head.bias.detach().numpy(), bias, rtol=1e-4, atol=1e-5)


def test_rates_side_by_side_give_what_each_gives_alone() -> None:
    features = blobs(20)
    batches = CachedBatches(features, 8, 0)
    together = train_linear(batches, 5, 3, ProbePlan(4, 8, (0.1, 0.02)), CPU)
    for head, rate in zip(together, (0.1, 0.02), strict=True):
        (alone,) = train_linear(batches, 5, 3, ProbePlan(4, 8, (rate,)), CPU)
        assert head is not None
        assert alone is not None
        assert torch.equal(head.weight, alone.weight)


def test_scores_count_the_label_among_the_first_and_the_first_five() -> None:
    head = nn.Linear(7, 7, bias=False)
    head.weight.data = torch.eye(7)
    logits = torch.tensor([[7.0, 6, 5, 4, 3, 2, 1]]).repeat(4, 1)
    found = score(head, Features(logits, torch.tensor([0, 4, 5, 0])))
    assert (found.top1, found.top5) == (0.5, 0.75)
    head = nn.Linear(5, 5)
    assert score(head, Features(logits[:, :5], torch.tensor([0, 1, 2, 3]))).top5 is None


def test_a_rate_is_chosen_on_held_out_training_images() -> None:
    training = blobs(60)
    plan = ProbePlan(epochs=5, batch_size=16, rates=(1e-6, 0.1, 1e38))
    rate, trials = choose_rate(training, 3, plan, CPU)
    assert rate == 0.1
    assert [trial.rate for trial in trials] == [1e-6, 0.1, 1e38]
    assert trials[2].top1 is None
    # Two of twenty images of every class are held out.
    assert all(
        6 * trial.top1 == round(6 * trial.top1) for trial in trials if trial.top1 is not None
    )
    assert trials[1].top1 == 1


def test_nothing_is_chosen_where_every_rate_diverges() -> None:
    with pytest.raises(DivergedError, match=r"rate 1e\+38, 2e\+38; lower it"):
        choose_rate(blobs(60), 3, ProbePlan(3, 16, (1e38, 2e38)), CPU)


def test_a_class_of_one_image_leaves_nothing_to_hold_out() -> None:
    with pytest.raises(InputError, match="only one image"):
        choose_rate(blobs(3), 3, ProbePlan(1, 2, (0.1, 1.0)), CPU)


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"rates": ()},
        {"rates": (0.1, 0.0)},
        {"rates": (float("nan"),)},
        {"rates": (float("inf"),)},
    ],
)
def test_impossible_plans(values: dict[str, object]) -> None:
    with pytest.raises(InputError, match="a probe needs"):
        ProbePlan(**values)  # type: ignore[arg-type]
