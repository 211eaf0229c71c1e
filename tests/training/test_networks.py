import pytest
import torch

from signbit.training.networks import build_network, classes_of, make_method
from signbit.training.recipe.sections import MethodRecipe


def test_the_limit_of_latent_weights_is_the_recipe_s() -> None:
    assert make_method(MethodRecipe(name="bnn")).latent_limit == 1.0
    assert make_method(MethodRecipe(name="bnn", latent_limit=0.5)).latent_limit == 0.5
    assert make_method(MethodRecipe(name="bnn", latent_limit=False)).latent_limit is None
    assert make_method(MethodRecipe(name="sdbnn")).latent_limit is None
    method = make_method(MethodRecipe(name="sdbnn", latent_limit=0.25))
    model = build_network("digits", method, classes=10, channels=1)
    with torch.no_grad():
        model.get_parameter("conv1.weight").fill_(3.0)
    method.after_step(model)
    assert float(model.get_parameter("conv1.weight").detach().max()) == 0.25
    real = MethodRecipe(name="sdbnn", params={"binarize": "activations"}, latent_limit=0.25)
    assert make_method(real).latent_limit is None


@pytest.mark.parametrize(
    ("network", "name"),
    [
        ("digits", "bnn"),
        ("resnet20", "adabin"),
        ("reactnet-a", "reactnet"),
        ("real-resnet50", "real"),
    ],
)
def test_a_state_tells_its_classes(network: str, name: str) -> None:
    method = make_method(MethodRecipe(name=name))
    with torch.device("meta"):
        state = build_network(network, method, classes=37, channels=3).state_dict()
    assert classes_of(state, network, method, channels=3) == 37
    assert classes_of({}, network, method, channels=3) is None
