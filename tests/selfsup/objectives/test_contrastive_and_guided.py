"""The sum against its two terms and NumPy, with one look at the query view."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.selfsup import small

from signbit.errors import InputError
from signbit.selfsup import ContrastiveAndGuided


def objective(weights: tuple[float, float] = (1.0, 1.0)) -> ContrastiveAndGuided:
    return ContrastiveAndGuided(
        small.embedder(), small.teacher(), queue=12, momentum=0.9, temperature=0.2,
        guided_temperature=0.5, weights=weights,
    ).double()  # fmt: skip


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.5, 2.0)])
def test_the_loss_of_a_batch(weights: tuple[float, float]) -> None:
    own = objective(weights).eval()
    query, key = small.views()
    looks: list[torch.Tensor] = []
    own.embedder.register_forward_pre_hook(lambda _, inputs: looks.append(inputs[0]))
    losses = own(query, key)
    assert len(looks) == 1
    student = small.embedding(own.embedder, query)
    with torch.no_grad():
        answers = small.unit(np.asarray(own.calibration.teacher(query)))
    keys = small.embedding(own.key_encoder, key)
    contrastive = small.contrast(student, keys, np.asarray(own.queue.keys), 0.2).mean()
    guided = small.guidance(answers, student, 0.5).mean()
    assert losses.parts["contrastive"].item() == pytest.approx(contrastive, rel=1e-12)
    assert losses.parts["guided"].item() == pytest.approx(guided, rel=1e-12)
    expected = weights[0] * contrastive + weights[1] * guided
    assert losses.total.item() == pytest.approx(expected, rel=1e-12)


def test_a_step_moves_queue_and_key_encoder() -> None:
    own = objective()
    before = own.key_encoder.head[0].weight.clone()
    own(*small.views()).total.backward()
    torch.optim.SGD(own.embedder.parameters(), lr=0.5).step()
    own.after_step()
    assert int(own.queue.pointer) == 5
    moved = 0.9 * before + 0.1 * own.embedder.head[0].weight.detach()
    torch.testing.assert_close(own.key_encoder.head[0].weight, moved, rtol=1e-12, atol=1e-14)
    assert not torch.equal(before, own.key_encoder.head[0].weight)
    assert all(
        (parameter.grad is not None) == name.startswith("embedder.")
        for name, parameter in own.named_parameters()
    )


def test_bad_values_are_refused() -> None:
    with pytest.raises(InputError, match="weights of the two objectives must be above 0"):
        objective((1.0, 0.0))
    with pytest.raises(InputError, match="compares two views"):
        objective()(small.views()[0])


@pytest.mark.slow
def test_it_compiles_as_one_graph() -> None:
    plain, own = objective(), objective()
    compiled = torch.compile(own, dynamic=False, backend="aot_eager", fullgraph=True)
    for step in range(2):
        for each, called in ((plain, plain), (own, compiled)):
            each.zero_grad()
            called(*small.views(step)).total.backward()
            each.after_step()
    for ours, theirs in zip(own.parameters(), plain.parameters(), strict=True):
        assert (ours.grad is None) == (theirs.grad is None)
        if ours.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(own.queue.keys, plain.queue.keys, rtol=1e-9, atol=1e-12)
    assert int(own.queue.pointer) == int(plain.queue.pointer) == 10
