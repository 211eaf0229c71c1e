"""The same layers and recipes on a GPU: results of the CPU's, and options that are for GPUs."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.supervised.test_train import train_until_interrupted
from tests.training.test_session import state
from torch import Tensor, nn

from signbit import methods, recipes
from signbit.fast import use_native_ops
from signbit.models import build
from signbit.training import load_run, train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

METHODS = ("adabin", "bireal", "bnn", "irnet", "reactnet", "real", "sdbnn", "xnor")


@pytest.fixture(autouse=True)
def exact_convolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    """No TF32, and algorithms that sum in one order: comparisons here are of float32."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)


def results(layer: nn.Module, x: Tensor) -> list[Tensor]:
    """The layer's result, and the gradients of x and of all parameters."""
    x = x.clone().requires_grad_()
    y = layer(x)
    # The same weights of the sum on every device.
    weights = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).reshape(y.shape)
    (y * weights.to(y)).sum().backward()
    gradients = [parameter.grad for parameter in layer.parameters() if parameter.grad is not None]
    assert gradients
    return [each.detach().cpu() for each in (y, x.grad, *gradients)]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("stride", [1, 2])
def test_a_layer_gives_the_cpus_results(name: str, stride: int) -> None:
    method = methods.get(name)
    torch.manual_seed(0)
    block = nn.Sequential(method.conv2d(24, 40, 3, stride, padding=1), method.nonlinearity(40))
    method.on_epoch(block, 3, 4)
    x = torch.randn(5, 24, 9, 7)
    with use_native_ops(False):
        expected = results(block, x)
    block.zero_grad()
    for ours, theirs in zip(results(block.cuda(), x.cuda()), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_dots_of_signs_are_exact_on_tensor_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    layer = methods.get("bnn").conv2d(512, 64, 3, padding=1)
    x = torch.randn(2, 512, 7, 7)
    with use_native_ops(False):
        expected = layer(x)
    with torch.autocast("cuda", torch.bfloat16):
        assert torch.equal(layer.cuda()(x.cuda()).cpu(), expected)
    assert torch.equal(layer(x.cuda()).cpu(), expected)


def recipe(epochs: int, *changes: str) -> Any:
    return recipes.load(
        "sdbnn-digits", [f"epochs={epochs}", "train_images=512", "batch_size=64", *changes]
    )


@pytest.mark.parametrize(
    "changes",
    [
        [],
        ["precision=bf16"],
        ["precision=fp16"],
        ["compile=true"],
        ["compile=true", "precision=bf16"],
    ],
    ids="-".join,
)
def test_a_recipe_learns_with_every_option(changes: list[str], tmp_path: Path) -> None:
    torch._dynamo.reset()
    train(recipe(4, *changes), None, tmp_path, progress=False)
    history = load_run(tmp_path).history
    assert history[-1]["train_loss"] < 0.8 * history[0]["train_loss"]
    assert history[-1]["top1"] > 0.5


def test_a_broken_run_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    train(recipe(3), None, tmp_path / "whole", progress=False)
    train_until_interrupted(recipe(3), tmp_path / "broken", 1)
    train(recipe(3), None, tmp_path / "broken", progress=False)
    assert state(tmp_path / "broken") == state(tmp_path / "whole")


def test_a_network_may_be_evaluated_where_it_was_not_trained(tmp_path: Path) -> None:
    train(recipe(1), None, tmp_path, progress=False)
    run = load_run(tmp_path)
    assert {parameter.device.type for parameter in run.model.parameters()} == {"cpu"}


def test_networks_train_a_step_on_the_device() -> None:
    for network in ("resnet20", "vgg-small", "resnet18-cifar"):
        model = build(network, methods.get("sdbnn"), classes=10, channels=3).cuda()
        loss = model(torch.randn(8, 3, 32, 32, device="cuda")).square().mean()
        loss.backward()
        assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())
