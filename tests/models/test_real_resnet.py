"""Real-valued residual networks: what they compute, the names and sizes of public checkpoints."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tests.compiler.nets import assert_same_answers, randomise
from torch import Tensor, nn

from signbit import methods, models
from signbit.bitformat.graph import Resize
from signbit.compiler import compile_model
from signbit.data import open_dataset
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.models.real_resnet import Bottleneck
from signbit.training import evaluate_model, load_run, train
from signbit.training.recipe.parsing import parse_recipe

CIFAR = {"real-resnet20": 3, "real-resnet32": 5, "real-resnet44": 7, "real-resnet56": 9}
IMAGENET = {
    "real-resnet18": ((2, 2, 2, 2), 11_689_512),
    "real-resnet34": ((3, 4, 6, 3), 21_797_672),
    "real-resnet50": ((3, 4, 6, 3), 25_557_032),
}
"""Blocks of each stage, and torchvision's number of parameters."""

NORM = ("bias", "num_batches_tracked", "running_mean", "running_var", "weight")


def build(architecture: str, classes: int = 10) -> nn.Module:
    torch.manual_seed(0)
    return models.build(architecture, methods.get("real"), classes=classes, channels=3)


def norm_names(prefix: str) -> list[str]:
    return [f"{prefix}.{name}" for name in NORM]


def torchvision_names(blocks: tuple[int, ...], convs: int) -> list[str]:
    """Of torchvision's ResNets: a projection where a stage begins, but for stage one of -18, -34"""
    names = ["conv1.weight", *norm_names("bn1"), "fc.weight", "fc.bias"]
    for stage, count in enumerate(blocks, 1):
        for block in range(count):
            prefix = f"layer{stage}.{block}."
            for index in range(1, convs + 1):
                names += [f"{prefix}conv{index}.weight", *norm_names(f"{prefix}bn{index}")]
            if block == 0 and (stage > 1 or convs == 3):
                names += [f"{prefix}downsample.0.weight", *norm_names(f"{prefix}downsample.1")]
    return sorted(names)


@pytest.mark.parametrize("architecture", IMAGENET)
def test_imagenet_networks_have_torchvision_s_names_and_sizes(architecture: str) -> None:
    blocks, parameters = IMAGENET[architecture]
    model = build(architecture, classes=1000)
    convs = 3 if architecture == "real-resnet50" else 2
    assert sorted(model.state_dict()) == torchvision_names(blocks, convs)
    assert sum(p.numel() for p in model.parameters()) == parameters


@pytest.mark.parametrize(("name", "width"), [("quarter", 4), ("half", 8), ("x2", 32)])
def test_other_widths_have_the_same_layers(name: str, width: int) -> None:
    model = build(f"real-resnet20-{name}")
    weights = {n: w for n, w in model.state_dict().items() if w.dim() in (2, 4)}
    usual = {n: w for n, w in build("real-resnet20").state_dict().items() if w.dim() in (2, 4)}
    assert list(weights) == list(usual)
    for layer, weight in weights.items():
        expected = [
            side * width // 16 if side in (16, 32, 64) else side for side in usual[layer].shape
        ]
        assert list(weight.shape) == expected
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize("architecture", CIFAR)
def test_cifar_networks_have_the_names_of_the_public_checkpoints(
    architecture: str, shared_data: Path
) -> None:
    depth = architecture.removeprefix("real-resnet")
    published = load_file(shared_data / f"weights/resnet{depth}-cifar10-real.safetensors")
    ours = build(architecture).state_dict()
    counters = {name for name in ours if name.endswith("num_batches_tracked")}
    assert set(published) == set(ours) - counters
    assert all(published[name].shape == ours[name].shape for name in published)
    layers = [name for name in published if published[name].dim() in (2, 4)]
    assert len(layers) == int(depth) == 6 * CIFAR[architecture] + 2


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["real-resnet20", "real-resnet56"])
def test_public_checkpoints_score_as_their_own_code_does(
    architecture: str, shared_data: Path
) -> None:
    """On all 10,000 of these images: 81.03 % (-20), 83.20 % (-56)."""
    depth = architecture.removeprefix("real-resnet")
    model = build(architecture)
    model.load_state_dict(
        load_file(shared_data / f"weights/resnet{depth}-cifar10-real.safetensors")
    )
    images = open_dataset(shared_data / "data/cifar10", "test").take(np.arange(0, 10_000, 40))
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    measured = evaluate_model(model, images, Preprocessing((32, 32, 3), mean, std, Resize(32)))
    assert measured.images == 250
    # Three standard deviations of a sample of 250.
    expected = {"real-resnet20": 0.8103, "real-resnet56": 0.8320}[architecture]
    assert abs(measured.top1 - expected) < 3 * (expected * (1 - expected) / 250) ** 0.5


def functional_resnet20(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """He's ResNet-20 in evaluation, written out from the state alone, in float64."""
    state = {name: value.double() for name, value in state.items()}

    def conv_norm(x: Tensor, conv: str, norm: str, stride: int = 1) -> Tensor:
        y = F.conv2d(x, state[f"{conv}.weight"], stride=stride, padding=1)
        mean, var, weight, bias = (
            state[f"{norm}.{name}"].reshape(-1, 1, 1)
            for name in ("running_mean", "running_var", "weight", "bias")
        )
        return (y - mean) / (var + 1e-5).sqrt() * weight + bias

    x = conv_norm(x, "conv1", "bn1").clamp(min=0)
    for stage in (1, 2, 3):
        for block in (0, 1, 2):
            stride = 2 if stage > 1 and block == 0 else 1
            name = f"layer{stage}.{block}."
            y = conv_norm(x, f"{name}conv1", f"{name}bn1", stride).clamp(min=0)
            y = conv_norm(y, f"{name}conv2", f"{name}bn2")
            if stride == 2:
                zeros = torch.zeros_like(y[:, : x.shape[1] // 2])
                x = torch.cat((zeros, x[:, :, ::2, ::2], zeros), 1)
            x = (x + y).clamp(min=0)
    return x.mean((2, 3)) @ state["linear.weight"].t() + state["linear.bias"]


def test_resnet20_computes_what_the_paper_says() -> None:
    model = randomise(build("real-resnet20"))
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = functional_resnet20(model.state_dict(), x.double())
        torch.testing.assert_close(model(x).double(), expected, rtol=1e-4, atol=1e-3)


def test_bottleneck_strides_in_its_3x3() -> None:
    block = Bottleneck(8, 4, 2, nn.AvgPool2d(2)).eval()
    strides = [m.stride for m in block.modules() if isinstance(m, nn.Conv2d)]
    assert strides == [(1, 1), (2, 2), (1, 1)]
    assert isinstance(block.conv3, nn.Conv2d)
    assert block.conv3.out_channels == 16


@pytest.mark.parametrize("architecture", ["real-resnet18", "real-resnet50"])
def test_large_images_become_logits(architecture: str) -> None:
    model = build(architecture, classes=7).eval()
    sizes = []
    for name, module in model.named_children():
        if re.fullmatch(r"layer\d", name):
            module.register_forward_hook(lambda *a: sizes.append(tuple(a[2].shape[1:])))
    with torch.no_grad():
        assert model(torch.zeros(2, 3, 224, 224)).shape == (2, 7)
    widths = [c * (4 if architecture == "real-resnet50" else 1) for c in (64, 128, 256, 512)]
    assert sizes == [(w, s, s) for w, s in zip(widths, (56, 28, 14, 7), strict=True)]


def test_compiled_it_gives_the_same_answers() -> None:
    result = assert_same_answers(randomise(build("real-resnet20")), (32, 32, 3), count=1)
    assert {node.op for node in result.graph.nodes} == {"real_conv", "global_mean"}


@pytest.mark.slow
def test_it_trains_and_compiles_like_the_others(tmp_path: Path) -> None:
    recipe = parse_recipe(
        {
            "description": "ResNet-20 on digits",
            "network": "real-resnet20",
            "method": {"name": "real"},
            "data": {"source": "digits", "mean": [0.5], "std": [0.5]},
            "epochs": 1,
            "batch_size": 16,
            "train_images": 32,
            "optimizer": {"name": "adam", "lr": 1e-3, "weight_decay": 0.0},
            "schedule": "cosine",
        },
        "test",
    )
    train(recipe, None, tmp_path / "run", progress=False)
    run = load_run(tmp_path / "run")
    compiled = compile_model(
        run.model,
        input_size=run.input_size,
        mean=run.normalization[0],
        std=run.normalization[1],
        class_names=run.class_names,
        resize_shorter_side=32,
    )
    assert len(compiled.data) > 4 * 269_000
