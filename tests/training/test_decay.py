"""What decays by each grouping's name, parameter by parameter."""

import pytest
import torch
from torch import nn

from signbit import methods, models
from signbit.training.decay import DECAYED
from signbit.training.optimizer import make_optimizer
from signbit.training.recipe.sections import Adam, Sgd


def built(method: str, network: str = "resnet18", **parameters: object) -> nn.Module:
    with torch.device("meta"):
        return models.build(network, methods.get(method, **parameters), classes=10, channels=3)


def decayed(grouping: str, model: nn.Module) -> set[str]:
    chosen = {id(parameter) for parameter in DECAYED[grouping](model)}
    return {name for name, parameter in model.named_parameters() if id(parameter) in chosen}


@pytest.mark.parametrize("network", ["reactnet-a", "resnet18", "resnet20"])
@pytest.mark.parametrize("binarize", ["both", "activations"])
def test_reactnet_decays_what_its_code_stores_in_four_dimensions(
    network: str, binarize: str
) -> None:
    model = built("reactnet", network, binarize=binarize)
    for name, parameter in model.named_parameters():
        is_convolution = parameter.dim() == 4
        is_shift = name.endswith((".activation_binarizer.bias", ".before", ".after"))
        assert (name in decayed("reactnet", model)) == (is_convolution or is_shift), name
    # Neither slopes, nor normalisation, nor the classifier.
    spared = {name for name, _ in model.named_parameters()} - decayed("reactnet", model)
    assert {"prelu.weight", "norm.weight", "norm.bias", "classifier.weight", "classifier.bias"} <= {
        ".".join(name.split(".")[-2:]) for name in spared
    }


@pytest.mark.parametrize("network", ["resnet18", "resnet34"])
def test_bireal_spares_latent_weights(network: str) -> None:
    model = built("bireal", network)
    expected = {
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d)  # the stem and the shortcuts
    }
    assert len(expected) == 4
    assert decayed("bireal", model) == {f"{name}.weight" for name in expected}


def test_convolutions_are_those_alone() -> None:
    model = built("reactnet")
    assert decayed("convolutions", model) == {
        name for name, parameter in model.named_parameters() if parameter.dim() == 4
    }


def test_everything_is_everything() -> None:
    model = built("adabin")
    assert decayed("everything", model) == {name for name, _ in model.named_parameters()}


def test_a_subclass_and_a_parameter_of_four_dimensions_of_one_s_own_decay_as_reactnet_s() -> None:
    class OwnSign(methods.reactnet.RSign):
        pass

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sign = OwnSign(3)
            self.shift = nn.Parameter(torch.zeros(1, 3, 1, 1))
            self.slope = nn.Parameter(torch.zeros(3))

    assert decayed("reactnet", Own()) == {"sign.bias", "shift"}


@pytest.mark.parametrize("grouping", ["convolutions", "reactnet", "bireal"])
@pytest.mark.parametrize("kind", [Adam, Sgd])
def test_a_step_without_gradients_shrinks_what_decays_and_leaves_the_rest(
    grouping: str, kind: type[Adam] | type[Sgd]
) -> None:
    torch.manual_seed(0)
    model = models.build("digits", methods.get("reactnet"), classes=10, channels=1)
    chosen = {"lr": 0.1, "weight_decay": 0.5, "decay_on": grouping}
    section = (
        Adam(name="adam", **chosen) if kind is Adam else Sgd(name="sgd", momentum=0.0, **chosen)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
            parameter.grad = torch.zeros_like(parameter)
    make_optimizer(section, model).step()
    moved = {name for name, parameter in model.named_parameters() if (parameter != 1).any()}
    assert moved == decayed(grouping, model) != set()
