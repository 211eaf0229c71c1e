import pytest
import torch
from torch import nn

from signbit.errors import RecipeError
from signbit.methods import get
from signbit.models import build
from signbit.training.optimizer import make_optimizer
from signbit.training.recipe.sections import Adam, Bop, Sgd


def digits() -> nn.Module:
    return build("digits", get("bnn"), classes=10, channels=1)


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


def names(model: nn.Module, group: dict[str, list[nn.Parameter]]) -> set[str]:
    chosen = {id(parameter) for parameter in group["params"]}
    return {name for name, parameter in model.named_parameters() if id(parameter) in chosen}


def test_decay_on_convolutions_spares_the_rest() -> None:
    model = digits()
    chosen = Adam(name="adam", lr=0.5, weight_decay=0.25, decay_on="convolutions")
    decayed, spared = make_optimizer(chosen, model).param_groups
    assert names(model, decayed) == {"stem.0.weight", "conv1.weight", "conv2.weight"}
    assert names(model, spared) == {name for name, _ in model.named_parameters()} - names(
        model, decayed
    )
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.25, 0)
    assert decayed["lr"] == spared["lr"] == 0.5
    with pytest.raises(RecipeError, match="decay_on=convolutions divides the parameters"):
        make_optimizer(chosen, nn.Linear(2, 3))


def test_bop_takes_the_binary_weights_and_the_other_one_the_rest() -> None:
    model = digits()
    rest = Sgd(name="sgd", lr=0.5, momentum=0.9, weight_decay=0.0)
    chosen = Bop(name="bop", gamma=0.01, threshold=1e-6, rest=rest)
    real, binary = make_optimizer(chosen, model).param_groups
    assert names(model, binary) == {"conv1.weight", "conv2.weight"}
    assert names(model, real) | names(model, binary) == {
        name for name, _ in model.named_parameters()
    }
    assert not names(model, real) & names(model, binary)
    assert (binary["lr"], binary["threshold"], real["lr"]) == (0.01, 1e-6, 0.5)
    with pytest.raises(RecipeError, match="bop flips binary weights, and this network has none"):
        make_optimizer(chosen, nn.Linear(2, 3))
