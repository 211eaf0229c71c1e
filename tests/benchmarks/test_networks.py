"""The benchmarks' networks: reproducible, compiled, and with signs of both kinds everywhere."""

import numpy as np
import pytest
import torch
from tests.thorough import sample

import signbit
from signbit.nn.layers import BinaryConv2d
from signbit.runtime.reference import ReferenceEngine
from subjects.networks import BINARY, REAL, build, compiled_bytes

WEIGHTS = {
    # stem, binary or real 3x3, 1x1 shortcuts, classifier; normalisations left out
    "bireal-resnet18-224": 9_408 + 10_985_472 + 172_032 + 512_000 + 1_000,
    "bireal-resnet18-cifar": 1_728 + 10_985_472 + 172_032 + 5_120 + 10,
    "resnet18-224": 9_408 + 10_985_472 + 172_032 + 512_000 + 1_000,
    "resnet18-cifar": 1_728 + 10_985_472 + 172_032 + 5_120 + 10,
    "resnet20-cifar": 432 + 267_264 + 640 + 10,
}


def photos(count, size):
    """Random images of low contrast between neighbours, uint8 (N, H, W, C)."""
    rng = np.random.default_rng(0)
    height, width, channels = size
    coarse = rng.integers(40, 216, (count, height // 8, width // 8, channels))
    fine = coarse.repeat(8, 1).repeat(8, 2) + rng.integers(-20, 21, (count, *size))
    return fine.astype(np.uint8)


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_sizes(name):
    model = build(name).model
    norms = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
    skipped = {id(p) for m in model.modules() if isinstance(m, norms) for p in m.parameters()}
    assert sum(p.numel() for p in model.parameters() if id(p) not in skipped) == WEIGHTS[name]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", sample([*BINARY, *REAL], "bireal-resnet18-cifar", "resnet20-cifar")
)
def test_a_seed_names_a_network_and_leaves_torch_alone(name):
    before = torch.random.get_rng_state()
    first, second, other = build(name, 1), build(name, 1), build(name, 2)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not first.model.training
    height, width, channels = first.input_size
    images = torch.randn(2, channels, height, width)
    with torch.no_grad():
        logits = first.model(images)
        assert torch.equal(second.model(images), logits)
        assert not torch.equal(other.model(images), logits)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BINARY))
def test_signs_are_balanced(name):
    network = build(name)
    negative = []
    for layer in network.model.modules():
        if isinstance(layer, BinaryConv2d):
            layer.activation_binarizer.register_forward_hook(
                lambda module, inputs, binary: negative.append(
                    (binary.signs < 0).float().mean().item()
                )
            )
            assert abs((layer.weight < 0).float().mean().item() - 0.5) < 0.05
    pixels = torch.from_numpy(photos(4, network.input_size)).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(v).reshape(-1, 1, 1) for v in (network.mean, network.std))
    with torch.no_grad():
        network.model((pixels - mean) / std)
    assert len(negative) in (16, 18)
    assert min(negative) > 0.1
    assert max(negative) < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", sample(sorted(BINARY), "sdbnn-resnet20"))
def test_the_compiled_network_equals_the_oracle(name):
    data = compiled_bytes(name)
    images = photos(1, build(name).input_size)
    logits = signbit.load(data, threads=2)(images)
    expected = ReferenceEngine(data)(images)
    np.testing.assert_array_equal(logits.view(np.uint32), expected.view(np.uint32))
    assert logits.std() > 0.1
