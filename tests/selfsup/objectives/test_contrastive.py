"""MoCo's loss against NumPy in float64, and what a step moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.selfsup import small

from signbit.errors import InputError
from signbit.selfsup import Contrastive


def objective(**changes: float) -> Contrastive:
    values = {"queue": 12, "momentum": 0.9, "temperature": 0.2} | changes
    return Contrastive(small.embedder(), **values).double()  # type: ignore[arg-type]


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_the_loss_of_a_batch(temperature: float) -> None:
    own = objective(temperature=temperature).eval()
    with torch.no_grad():  # keys of another network than the queries'
        for parameter in own.key_encoder.parameters():
            parameter.mul_(1.5).add_(0.01)
    query, key = small.views()
    losses = own(query, key)
    expected = small.contrast(
        small.embedding(own.embedder, query),
        small.embedding(own.key_encoder, key),
        np.asarray(own.queue.keys),
        temperature,
    ).mean()
    assert losses.total.item() == pytest.approx(expected, rel=1e-12)
    assert [*losses.parts] == ["contrastive"]
    assert losses.parts["contrastive"].item() == losses.total.item()
    assert not losses.parts["contrastive"].requires_grad
    # An eval-mode forward leaves nothing for the queue.
    own.after_step()
    assert int(own.queue.pointer) == 0


def test_three_steps_against_numpy() -> None:
    own = objective()
    optimizer = torch.optim.SGD(own.embedder.parameters(), lr=0.5)
    ring, pointer = own.queue.keys.numpy().copy(), 0
    for step in range(3):
        query, key = small.views(step)
        followers = [each.numpy().copy() for each in own.key_encoder.parameters()]
        loss = own(query, key).total
        keys = own._pending[0].numpy()
        own.train()
        expected = small.contrast(
            small.embedding(own.embedder, query), small.embedding(own.key_encoder, key), ring, 0.2
        )
        assert loss.item() == pytest.approx(expected.mean(), rel=1e-10)
        np.testing.assert_allclose(keys, small.embedding(own.key_encoder, key), rtol=1e-9)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        own.after_step()
        for each in keys:
            ring[pointer] = each
            pointer = (pointer + 1) % 12
        np.testing.assert_array_equal(own.queue.keys, ring)
        assert int(own.queue.pointer) == pointer
        for old, now, leader in zip(
            followers, own.key_encoder.parameters(), own.embedder.parameters(), strict=True
        ):
            moved = 0.9 * old + 0.1 * np.asarray(leader.detach())
            np.testing.assert_allclose(now, moved, rtol=1e-10, atol=1e-14)
    assert pointer == 3


def test_the_gradient_reaches_the_query_encoder_alone() -> None:
    own = objective()
    own(*small.views()).total.backward()
    for name, parameter in own.named_parameters():
        if name.startswith("embedder."):
            assert parameter.requires_grad
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name
        else:
            assert not parameter.requires_grad
            assert parameter.grad is None, name


def test_the_loss_is_in_float32_where_the_network_is_not() -> None:
    own = Contrastive(small.embedder().float(), queue=12, momentum=0.9, temperature=0.2)
    query, key = small.views().float()
    with torch.autocast("cpu", torch.bfloat16):
        loss = own(query, key).total
    assert loss.dtype == torch.float32
    loss.backward()
    own.after_step()
    np.testing.assert_allclose(np.linalg.norm(own.queue.keys, axis=1), 1, rtol=1e-6)


def test_the_state_goes_on_in_another_process() -> None:
    own, other = objective(), objective()
    for step in range(2):
        own(*small.views(step))
        own.after_step()
    other.load_state_dict(own.state_dict())
    assert any(name.startswith("key_encoder.") for name in own.state_dict())
    for each in (own, other):
        each(*small.views(9))
        each.after_step()
    for (name, ours), theirs in zip(
        own.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


@pytest.mark.parametrize("temperature", [0.001, 1000])
def test_the_range_of_temperatures_includes_its_ends(temperature: float) -> None:
    own = objective(temperature=temperature)
    own(*small.views()).total.backward()
    for name, parameter in own.embedder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_bad_values_are_refused() -> None:
    for values, message in (
        ({"temperature": 0.0}, "temperature must be in 0.001 … 1000, got 0.0"),
        ({"temperature": -1.0}, "temperature must be in 0.001 … 1000, got -1.0"),
        ({"temperature": float("nan")}, "temperature must be in 0.001 … 1000, got nan"),
        ({"temperature": float("inf")}, "temperature must be in 0.001 … 1000, got inf"),
        ({"temperature": 1e-30}, "temperature must be in 0.001 … 1000, got 1e-30"),
        ({"temperature": 1001.0}, "temperature must be in 0.001 … 1000, got 1001.0"),
        ({"momentum": 1.5}, "momentum must be in 0 … 1, got 1.5"),
        ({"queue": 0}, "size and dim >= 1, got 0"),
    ):
        with pytest.raises(InputError, match=message):
            objective(**values)
    with pytest.raises(InputError, match="compares two views: give key_pixels too"):
        objective()(small.views()[0])
    assert Contrastive.needs_two_views
