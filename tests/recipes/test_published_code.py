"""What the recipes take from the published code rather than from the papers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from signbit import recipes
from signbit.nn.layers import BinaryConv2d
from signbit.training.networks import build_network, make_method
from signbit.training.recipe import Recipe
from signbit.training.recipe.parsing import single_runs

STEPPED_FIRST = [
    "adabin-resnet18-imagenet-two-stage",
    "bireal-resnet18-imagenet",
    "bireal-resnet34-imagenet",
    "reactnet-a-imagenet",
    "reactnet-resnet18-imagenet",
    "sdbnn-resnet18-imagenet",
]
S2BNN = [name for name in recipes.names() if name.startswith("s2bnn") and "imagenet" in name]


def built(run: Recipe, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build_network(run.network, make_method(run.method), classes=10, channels=3)


def comments(name: str) -> str:
    """The header of a recipe as one line of words."""
    lines = [line[2:] for line in recipes.text(name).splitlines() if line.startswith("# ")]
    return " ".join(lines)


def std(parameter: torch.Tensor) -> float:
    return float(parameter.detach().std())


@pytest.mark.parametrize("name", ["adabin-resnet18-imagenet", "irnet-resnet18-imagenet"])
def test_a_norm_before_the_classifier_and_convolutions_by_their_fan_out(name: str) -> None:
    model = built(recipes.load(name))
    *_, norm, classifier = model.children()
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.num_features == 512
    assert isinstance(classifier, nn.Linear)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | BinaryConv2d):
            out, _, height, width = layer.weight.shape
            wanted = (2 / (height * width * out)) ** 0.5
            assert std(layer.weight) == pytest.approx(wanted, rel=0.05)
            assert abs(float(layer.weight.detach().mean())) < 0.05 * wanted
    # The classifier is PyTorch's own: uniform within one over the root of its inputs, bias too.
    bound = 512**-0.5
    for parameter in (classifier.weight, classifier.bias):
        assert 0.7 * bound < float(parameter.detach().abs().max()) <= bound
    assert std(classifier.weight) == pytest.approx(bound / 3**0.5, rel=0.05)


@pytest.mark.parametrize("name", [name for name in recipes.names() if name.startswith("reactnet")])
def test_reactnet_s_stage_one_starts_as_conv2d_and_a_latent_weight_small_and_positive(
    name: str,
) -> None:
    first, second = (built(run) for run in single_runs(recipes.load(name)))
    for real, binary in zip(binary_layers(first), binary_layers(second), strict=True):
        assert_as_conv2d(real)
        assert float(binary.weight.detach().min()) >= 0
        assert float(binary.weight.detach().max()) <= 1e-3


@pytest.mark.parametrize("name", S2BNN)
def test_s2bnn_s_first_step_starts_as_conv2d(name: str) -> None:
    first, *later = single_runs(recipes.load(name))
    if later:
        for layer in binary_layers(built(first)):
            assert_as_conv2d(layer)


def test_sdbnn_starts_positive_in_both_stages() -> None:
    for run in single_runs(recipes.load("sdbnn-resnet18-imagenet")):
        for layer in binary_layers(built(run)):
            weight = layer.weight.detach()
            assert float(weight.min()) >= 0
            assert 0.99e-3 < float(weight.max()) <= 1e-3


@pytest.mark.parametrize("depth", [18, 34])
def test_bireal_s_latent_weights_start_small_and_positive(depth: int) -> None:
    for layer in binary_layers(built(recipes.load(f"bireal-resnet{depth}-imagenet"))):
        weight = layer.weight.detach()
        assert float(weight.min()) >= 0
        assert 0.99e-3 < float(weight.max()) <= 1e-3
        assert float(weight.mean()) == pytest.approx(5e-4, rel=0.02)


@pytest.mark.parametrize("name", ["irnet-vgg-small-cifar10", "sdbnn-vgg-small-cifar10"])
def test_vgg_small_s_classifier_starts_without_bias(name: str) -> None:
    classifier = built(recipes.load(name)).get_submodule("classifier")
    assert isinstance(classifier, nn.Linear)
    assert std(classifier.weight) == pytest.approx(0.01, rel=0.03)
    assert not classifier.bias.any()


@pytest.mark.parametrize("name", STEPPED_FIRST)
def test_the_rate_is_stepped_before_the_epoch(name: str) -> None:
    assert {run.schedule for run in single_runs(recipes.load(name))} == {"linear-stepped-first"}


@pytest.mark.parametrize(
    ("name", "rate"), [("reactnet-a-imagenet", 1.25e-3), ("reactnet-resnet18-imagenet", 2.5e-3)]
)
def test_the_shorter_runs_of_reactnet_are_an_override(name: str, rate: float) -> None:
    words = comments(name)
    assert "128 epochs by default" in words
    (lr,) = (word.rstrip(";") for word in words.split() if word.startswith("optimizer.lr="))
    for run in single_runs(recipes.load(name, ["epochs=128", lr])):
        assert (run.epochs, run.optimizer.lr) == (128, rate)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in recipes.names()
        if name.startswith(("sdbnn", "irnet", "adabin")) and name.endswith("cifar10")
    ],
)
def test_evaluation_on_whole_batches_is_said(name: str) -> None:
    assert "9,984 test images, whole batches (drop_last)" in comments(name)


def test_there_are_nine_recipes_of_s2bnn_for_imagenet() -> None:
    assert len(S2BNN) == 9


@pytest.mark.parametrize("name", S2BNN)
def test_what_batch_norm_saw_is_said_and_how_to_have_it(name: str) -> None:
    words = comments(name)
    assert "32 images on each of 8 GPUs" in words
    assert "sync_batch_norm=false with 8 processes" in words
    assert not recipes.load(name, ["sync_batch_norm=false"]).sync_batch_norm


@pytest.mark.parametrize("name", [name for name in recipes.names() if "xnor" in name])
def test_which_gradients_of_xnor_net_are_used_is_said(name: str) -> None:
    assert "method.params.scale=released" in comments(name)
    assert "scale" not in recipes.load(name).method.params
    released = recipes.load(name, ["method.params.scale=released"])
    assert make_method(single_runs(released)[-1].method).order.norm(4, 8).eps == 1e-4
    assert make_method(recipes.load(name).method).order.norm(4, 8).eps == 1e-5


def binary_layers(model: nn.Module) -> list[BinaryConv2d]:
    found = [module for module in model.modules() if isinstance(module, BinaryConv2d)]
    assert found
    return found


def assert_as_conv2d(layer: BinaryConv2d) -> None:
    """Uniform within one over the root of the inputs of a filter, as nn.Conv2d draws."""
    weight = layer.weight.detach()
    bound = weight[0].numel() ** -0.5
    assert 0.95 * bound < float(weight.abs().max()) <= bound
    assert std(weight) == pytest.approx(bound / 3**0.5, rel=0.05)
    assert abs(float(weight.mean())) < 0.05 * bound
