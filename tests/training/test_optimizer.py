import torch
from torch import nn

from signbit.training.optimizer import make_optimizer
from signbit.training.recipe import Adam, Sgd


def test_the_recipe_s_values_arrive() -> None:
    model = nn.Linear(2, 3)
    sgd = make_optimizer(Sgd(name="sgd", lr=0.5, momentum=0.9, weight_decay=0.25), model)
    assert isinstance(sgd, torch.optim.SGD)
    (group,) = sgd.param_groups
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.5, 0.9, 0.25)
    assert group["params"] == list(model.parameters())
    adam = make_optimizer(Adam(name="adam", lr=0.5, weight_decay=0.25), model)
    assert isinstance(adam, torch.optim.Adam)
    (group,) = adam.param_groups
    assert (group["lr"], group["betas"], group["weight_decay"]) == (0.5, (0.9, 0.999), 0.25)
