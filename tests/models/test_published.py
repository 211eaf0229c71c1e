"""Published architectures: sizes as their authors have them, exact files, gradients everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.nets import randomise
from tests.compiler.small import narrow, randomise_latents, randomise_vectors, train_briefly
from tests.thorough import sample
from torch import nn

from signbit import methods, models
from signbit.errors import InputError, RecipeError
from signbit.models.pokebnn import ReshapeShortcut
from signbit.models.quicknet import BlurPool
from signbit.models.unet import UNet
from signbit.nn.blocks import ChannelGate
from signbit.nn.layers import BinaryConv2d
from signbit.nn.nonlinearities import DPReLU
from subjects.architectures import PAPERS

LARQ_ZOO = {name: tuple(paper)[:4] for name, paper in PAPERS.items()}
"""Parameters, of them binary weights, binary and real multiply-adds."""

NARROW = {
    "quicknet": "resnet-e",
    "quicknet-cifar": "reactnet",
    "resnet-e18": "bireal",
    "resnet-e18-cifar": "resnet-e",
    "binary-densenet28": "resnet-e",
    "binary-densenet28-cifar": "bnn",
    "meliusnet22": "resnet-e",
    "meliusnet22-cifar": "reactnet",
    "real-to-binary-resnet18": "real-to-binary",
    "real-to-binary-resnet18-cifar": "sdbnn",
    "binary-vit": "reactnet",
    "bnext-tiny": "combined",
    "bnext-tiny-cifar": "reactnet",
    "keywords": "reactnet",
    "mixer": "bireal",
    "pokebnn-cifar": "combined",
}
"""Every block, by its own method and by others."""

EXACT_FIRST = (
    "quicknet",
    "resnet-e18-cifar",
    "binary-densenet28-cifar",
    "meliusnet22",
    "real-to-binary-resnet18-cifar",
    "binary-vit",
    "bnext-tiny-cifar",
    "keywords",
    "mixer",
    "pokebnn-cifar",
)


def own_method(architecture: str) -> methods.Method:
    if architecture.startswith("bnext"):
        return methods.get("combined", weights="sign", nonlinearity="prelu")
    if architecture in ("binary-vit", "keywords", "mixer", "pokebnn-cifar"):
        return methods.get("reactnet")
    return methods.get("real-to-binary" if "real-to-binary" in architecture else "resnet-e")


def channels_of(architecture: str) -> int:
    return 1 if architecture == "keywords" else 3


def is_of_one_size(architecture: str) -> bool:
    """Whether a layer has weights for each pixel."""
    return architecture in ("binary-vit", "keywords", "mixer")


def sizes(architecture: str, classes: int) -> tuple[nn.Module, dict[str, int]]:
    """The network without values, and its multiply-adds for one image, binary and real."""
    found = {"binary": 0, "real": 0}

    def note(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        weight = module.filters if isinstance(module, BlurPool) else module.weight
        kind = "binary" if isinstance(module, BinaryConv2d) else "real"
        found[kind] += weight.numel() * int(np.prod(output.shape[2:]))

    with torch.device("meta"):
        model = models.build(architecture, own_method(architecture), classes=classes, channels=3)
        layers = (BinaryConv2d, nn.Conv2d, nn.Linear, BlurPool)
        for module in model.modules():
            if isinstance(module, layers):
                module.register_forward_hook(note)
        model.eval()(torch.zeros(1, 3, *model.input_size))
    return model, found


def binary_weights(model: nn.Module) -> int:
    return sum(m.weight.numel() for m in model.modules() if isinstance(m, BinaryConv2d))


@pytest.mark.parametrize("architecture", LARQ_ZOO)
def test_parameters_and_operations_are_larq_zoos(architecture: str) -> None:
    model, found = sizes(architecture, 10 if architecture.endswith("-cifar") else 1000)
    # Keras counts a normalisation's statistics as parameters, and fixed filters.
    state = {**dict(model.named_buffers()), **dict(model.named_parameters())}
    numbers = sum(t.numel() for name, t in state.items() if "num_batches" not in name)
    expected = LARQ_ZOO[architecture]
    assert (numbers, binary_weights(model), found["binary"], found["real"]) == expected


def test_bnext_has_its_authors_sizes() -> None:
    """Those of hpi-xnor/BNext's src/bnext.py, without the 8,960 parameters that it never uses."""
    model, found = sizes("bnext-tiny", 1000)
    assert sum(p.numel() for p in model.parameters()) == 30_862_236 - 8_960 == 30_853_276
    assert binary_weights(model) == 28_253_184
    assert found == {"binary": 4_816_896_000, "real": 13_344_512}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", sample(NARROW, *EXACT_FIRST))
def test_files_are_exact(monkeypatch: pytest.MonkeyPatch, architecture: str) -> None:
    side = narrow(monkeypatch, architecture)
    torch.manual_seed(0)
    method = methods.get(NARROW[architecture])
    channels = channels_of(architecture)
    model = models.build(architecture, method, classes=5, channels=channels)
    if is_of_one_size(architecture):
        side = 32
    if architecture.startswith(("meliusnet", "pokebnn")):
        # Random statistics would make every sign the same.
        train_briefly(model, (side, side, 3), classes=5, steps=3)
    else:
        randomise_latents(model)
        randomise_vectors(model)
        randomise(model)
    width = side if is_of_one_size(architecture) else side + 16
    assert_exact(model, (side, width, channels), end_to_end=False)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", sample(NARROW, *EXACT_FIRST))
def test_every_parameter_learns(monkeypatch: pytest.MonkeyPatch, architecture: str) -> None:
    side = narrow(monkeypatch, architecture)
    torch.manual_seed(0)
    channels = channels_of(architecture)
    side = 32 if is_of_one_size(architecture) else side
    model = models.build(architecture, own_method(architecture), classes=5, channels=channels)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    train_briefly(model, (side, side, channels), classes=5, steps=2)
    still = [name for name, p in model.named_parameters() if torch.equal(p, before[name])]
    # A gate of one hidden unit may be dead from the start, and so is what it alone reads.
    assert [name for name in still if ".gate." not in name and ".share" not in name] == []


@pytest.mark.slow
def test_a_unet_is_exact() -> None:
    torch.manual_seed(0)
    model = UNet(methods.get("reactnet"), classes=3, channels=3, width=8)
    randomise_latents(model)
    randomise_vectors(model)
    assert_exact(randomise(model), (8, 16, 3), end_to_end=False)


def test_shortcuts_fit_channels_without_parameters() -> None:
    x = torch.arange(14.0).reshape(1, 7, 1, 2)
    means = ReshapeShortcut(7, 3)(x)
    assert torch.equal(means[0, :, 0, 0], torch.tensor([1.0, 5.0, 9.0]))
    padded = ReshapeShortcut(7, 9)(x)
    assert torch.equal(padded, torch.cat((x, torch.zeros(1, 2, 1, 2)), 1))
    tiled = ReshapeShortcut(7, 15, tile=True)(x)
    assert torch.equal(tiled, torch.cat((x, x, torch.zeros(1, 1, 1, 2)), 1))
    assert torch.equal(ReshapeShortcut(7, 5)(x), x[:, :5])


def test_dprelu_bends_and_moves() -> None:
    layer = DPReLU(2)
    with torch.no_grad():
        layer.before.copy_(torch.tensor([1.0, -2.0]))
        layer.after.copy_(torch.tensor([0.5, 0.0]))
        layer.maxout.positive.copy_(torch.tensor([2.0, 1.0]))
    x = torch.tensor([[3.0, -4.0], [0.0, -1.0]])
    assert layer(x).tolist() == [[3.5, -0.5], [-0.75, 1.0]]
    with pytest.raises(InputError, match="DPReLU needs channels >= 1"):
        DPReLU(0)


def test_a_blurred_map_keeps_its_mean_and_halves() -> None:
    x = torch.ones(2, 3, 5, 8)
    y = BlurPool(3)(x)
    assert y.shape == (2, 3, 3, 4)
    assert torch.equal(y[:, :, 1, 1:], torch.ones(2, 3, 3))
    assert torch.equal(y[:, :, 0, 0], torch.full((2, 3), 0.75**2))


@pytest.mark.parametrize("hard", [False, True])
def test_a_gate_is_squeeze_and_excite(hard: bool) -> None:
    torch.manual_seed(0)
    gate = ChannelGate(6, 4, 3, bias=True, hard=hard)
    x = torch.randn(2, 6, 5, 7)
    hidden = F.relu(F.linear(x.mean((2, 3)), gate.squeeze.weight, gate.squeeze.bias))
    scores = F.linear(hidden, gate.excite.weight, gate.excite.bias)
    expected = ((scores + 3).clamp(0, 6) / 6) if hard else 1 / (1 + (-scores).exp())
    torch.testing.assert_close(gate(x), expected[:, :, None, None])
    with pytest.raises(InputError, match="hidden >= 1, got 6, 4 and 0"):
        ChannelGate(6, 4, 0)


@pytest.mark.parametrize("clip", [0, -1.0, float("inf"), True, "1.3"])
def test_a_bad_clip_is_refused(clip: object) -> None:
    with pytest.raises(RecipeError, match="resnet-e: clip must be a number > 0"):
        methods.get("resnet-e", clip=clip)
