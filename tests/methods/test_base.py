"""A Method's hooks: the estimators' schedule and the clipping of latent weights."""

import torch
from torch import nn

from signbit import methods, models
from signbit.estimators import EDE


def schedule_of(model):
    estimators = [
        m.estimator for m in model.modules() if isinstance(getattr(m, "estimator", None), EDE)
    ]
    assert len({id(e) for e in estimators}) == len(estimators)
    return [e.parameters for e in estimators]


def test_every_scheduled_estimator_moves_and_a_resumed_model_is_where_it_was():
    method = methods.get("sdbnn", t_min=0.1, t_max=10)
    first = models.build("digits", method, classes=10, channels=1)
    for epoch in range(4):
        method.on_epoch(first, epoch, 8)
    resumed = models.build("digits", method, classes=10, channels=1)
    assert schedule_of(resumed) != schedule_of(first)
    method.on_epoch(resumed, 3, 8)
    t = 10 ** (-1 + 2 * 3 / 8)
    assert schedule_of(resumed) == schedule_of(first) == [(t, 1 / t)] * 4


def test_latent_weights_are_clipped_and_real_ones_are_not():
    method = methods.get("bnn")
    model = nn.Sequential(method.conv2d(1, 2, 3), nn.Conv2d(2, 2, 1), method.linear(4, 2))
    for parameter in model.parameters():
        parameter.data.fill_(-3.0)
    method.after_step(model)
    assert [p.unique().item() for p in model.parameters()] == [-1, -3, -3, -1]


def test_a_method_without_limit_leaves_latent_weights_alone():
    method = methods.get("sdbnn")
    model = method.conv2d(1, 2, 3)
    model.weight.data.fill_(3.0)
    method.after_step(model)
    assert torch.equal(model.weight, torch.full((2, 1, 3, 3), 3.0))
