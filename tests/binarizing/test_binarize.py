"""Real networks made binary: what becomes of each layer, and that the rest is as it was."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from tests.binarizing.networks import NETWORKS, Plain
from tests.compiler.nets import assert_same_answers, randomise
from torch import Tensor, nn

from signbit import methods
from signbit.binarizing import binarize
from signbit.errors import CompileError, InputError, RecipeError
from signbit.nn import BinaryConv1d, BinaryConv2d, BinaryLinear
from signbit.nn import binarize as offered


def network(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
    torch.manual_seed(1)
    build, size = NETWORKS[name]
    return randomise(build()), size


def images(size: tuple[int, int, int]) -> Tensor:
    height, width, channels = size
    return torch.randn(3, channels, height, width, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", NETWORKS)
def test_without_signs_the_network_is_as_it_was(name: str) -> None:
    model, size = network(name)
    before = copy.deepcopy(model.state_dict())
    same = binarize(model, "real", input_size=size, check=False)
    with torch.no_grad():
        wanted, found = model(images(size)), same(images(size))
    assert same.report.binary
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not same.training
    assert same.input_size == size[:2]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_binary_layer_learns_and_compiles(name: str) -> None:
    model, size = network(name)
    binary = binarize(model, "reactnet", input_size=size, check=name != "odd").train()
    binary(images(size)).square().sum().backward()
    for path in binary.report.binary:
        layer = binary.get_submodule(path)
        layer = getattr(layer, "layer", layer)
        assert isinstance(layer, BinaryConv2d | BinaryLinear)
        assert layer.weight.grad is not None
        assert layer.weight.grad.abs().max() > 0
    if name != "odd":  # whose padding by reflection the engine does not know
        assert_same_answers(randomise(binary), size)
    assert copy.deepcopy(binary).report == binary.report


def test_a_plain_network() -> None:
    model, size = network("plain")
    report = binarize(model, "bnn", input_size=size).report
    assert report.binary == ["conv2", "fc1"]
    assert report.real == {"conv1": "a first layer", "fc2": "a last layer"}
    assert [(each.where, each.becomes) for each in report.changes if each.kind == "norm"] == [
        ("conv2", "BatchNorm2d"),
        ("fc1", "BatchNorm1d"),
    ]
    told = str(report)
    assert "2 of 4 layers are binary" in told
    assert max(map(len, told.splitlines())) <= 80
    assert sum(each.becomes == "Hardtanh" for each in report.changes) >= 1


def test_a_residual_network_gets_one_shortcut_for_each_convolution() -> None:
    model, size = network("residual")
    report = binarize(model, "reactnet", input_size=size).report
    shortcuts = {each.where: each.becomes for each in report.changes if each.kind == "shortcut"}
    assert shortcuts == {
        "3.conv1": "added",
        "3.conv2": "moved",
        "4.conv1": "moved",
        "4.conv2": "moved",
    }
    assert "projection" in report.real["4.downsample.0"]
    without = binarize(model, "reactnet", input_size=size, shortcuts=False, check=False).report
    assert not [each for each in without.changes if each.kind == "shortcut"]
    assert not [
        each for each in binarize(model, "xnor", input_size=size, check=False).report.changes
        if each.kind == "shortcut"
    ]  # fmt: skip


def test_what_stays_real_says_why() -> None:
    model, size = network("separable")
    report = binarize(model, "bireal", input_size=size).report
    assert report.binary == ["6", "9.down", "10"]
    assert "one channel" in report.real["3"]
    assert "a gate" in report.real["9.up"]
    model, size = network("odd")
    report = binarize(model, "bireal", input_size=size, check=False).report
    assert report.binary == ["list.0", "dict.twice", "up"]
    for path, why in {
        "list.1": "Unusual has its own forward",
        "dict.reflected": "padding_mode='reflect'",
        "the model": "a function",
    }.items():
        assert why in report.real[path]
    model, size = network("signal")
    binary = binarize(model, "bireal", input_size=size)
    assert binary.report.binary == ["conv2", "mix", "mix2"]
    assert isinstance(binary.get_submodule("conv2"), BinaryConv1d)


def test_tensors_keep_their_names() -> None:
    model, size = network("residual")
    names = binarize(model, "bnn", input_size=size, check=False).state_dict()
    assert {name for name in names if not name.startswith("added.")} == {*model.state_dict()}


def test_weights_that_belong_together_stay_real() -> None:
    model, size = network("plain")
    assert isinstance(model, Plain)
    model.fc1 = nn.Linear(72, 20)
    model.fc3 = nn.Linear(72, 20)
    model.fc3.weight = model.fc1.weight
    model.conv2 = nn.utils.parametrizations.weight_norm(model.conv2)
    model.fc1.register_forward_hook(lambda *_: None)
    report = binarize(model, "bnn", input_size=size, check=False).report
    assert report.binary == []
    assert "made of other parameters" in report.real["conv2"]
    assert "has a hook" in report.real["fc1"]


def test_keep_names_what_stays() -> None:
    model, size = network("residual")
    report = binarize(model, "bnn", ["0", "3", "7"], input_size=size, check=False).report
    kept = {path for path, why in report.real.items() if why == "named in keep"}
    assert kept == {"0", "3.conv1", "3.conv2", "7"}
    assert binarize(model, "bnn", [], input_size=size, check=False).report.real.keys() == {
        "4.downsample.0"
    }
    with pytest.raises(InputError, match=r"no layer is called '3\.conv'; nearest: 3\.conv"):
        binarize(model, "bnn", ["3.conv"], input_size=size)


class Ending(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(super().forward(x), 1)


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_what_cannot_be_made_binary_says_why() -> None:
    with pytest.raises(CompileError, match="no logarithm"):
        binarize(Ending(), "bnn")
    with pytest.raises(InputError, match="does not take images of"):
        binarize(Plain(), "bnn", input_size=(28, 28, 1))
    with pytest.raises(InputError, match="how large are the images"):
        binarize(nn.Sequential(nn.Conv2d(3, 3, 1)), "bnn")
    with pytest.raises(InputError, match="model must be an nn"):
        binarize(Plain, "bnn")  # type: ignore[arg-type]
    scripted = torch.jit.trace(Plain().eval(), torch.zeros(1, 1, 10, 9))
    for compiled in (scripted, torch.compile(Plain())):
        with pytest.raises(InputError, match="is compiled already; hand over the module"):
            binarize(compiled, "bnn")
    with pytest.raises(RecipeError, match="unknown method"):
        binarize(Plain(), "nbb")


def test_it_is_offered_beside_the_layers() -> None:
    assert offered is binarize
    assert binarize(Plain(), methods.get("xnor")).report.binary == ["conv2", "fc1"]


class Deciding(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.sum() > 0 else super().forward(-x)


class Moody(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * 2 if self.training else x)


class Forked(Plain):
    """One ReLU for both layers, a part that images do not reach, and a result with a name."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.spare = nn.Linear(20, 5)

    def forward(self, x: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        x = F.max_pool2d(self.relu(self.conv2(self.relu(self.conv1(x)))), 2)
        x = self.fc1(x.flatten(1))
        return {"scores": self.spare(x) if x.isnan().any() else self.fc2(x)}


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Deciding(), "the forward of the model cannot be followed"),
        (Moody(), "the model computes otherwise in training"),
        (Forked(), "cannot be followed"),
    ],
    ids=["values", "mode", "dictionary"],
)
def test_a_forward_that_is_no_graph_has_its_modules_replaced(model: Plain, reason: str) -> None:
    before = copy.deepcopy(model.state_dict())
    x = images((10, 9, 1))
    same = binarize(randomise(model), "real", check=False)
    with torch.no_grad():
        wanted, found = (
            each["scores"] if isinstance(each, dict) else each for each in (model(x), same(x))
        )
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))
    binary = binarize(model, "reactnet", check=False).train()
    assert isinstance(binary, type(model)), "it is still one of its class"
    assert reason in binary.report.by_modules
    assert " ".join(str(binary.report).split()).endswith(binary.report.by_modules)
    assert binary.report.binary == ["conv2", "fc1"]
    kept = {each.kind: each.becomes for each in binary.report.changes if each.where != "conv2"}
    assert kept.get("relu", kept.get("ReLU")) == "as it was"
    inputs = [each.where for each in binary.report.changes if each.kind == "input"]
    assert inputs == ["conv2", "fc1"], "a function stays, so its values are centred before signs"
    assert ("spare" in binary.report.real) == isinstance(model, Forked)
    signs = shares(binary, "conv2", x)
    assert 0.2 < signs < 0.8
    assert before.keys() == model.state_dict().keys()
    again = copy.deepcopy(binary)
    assert again.report == binary.report
    assert again.input_size == binary.input_size


def shares(model: nn.Module, path: str, x: Tensor) -> float:
    """The share of values from 0 on in what the binary layer below `path` takes in training."""
    seen: list[Tensor] = []
    layer = next(
        each for each in model.get_submodule(path).modules() if isinstance(each, BinaryConv2d)
    )
    layer.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model(x)
    return float((seen[0] >= 0).float().mean())


def test_modules_take_their_shortcuts_and_normalisations_along() -> None:
    model, size = network("measuring")
    binary = binarize(model, "reactnet", input_size=size)
    changes = binary.report.changes
    assert [each.becomes for each in changes if each.kind == "shortcut"] == ["added"] * 3
    assert [each.becomes for each in changes if each.kind == "ReLU"] == ["RPReLU"] * 3
    layer = binary.get_submodule("convs.1")
    assert isinstance(layer.norm, nn.BatchNorm2d)
    assert isinstance(binary.get_submodule("norms.1"), nn.Identity)
    x = torch.randn(2, 16, 5, 5)
    layer.train()
    torch.testing.assert_close(layer(x), layer.norm(layer.layer(x)) + x, rtol=1e-5, atol=1e-5)


class Reading(Plain):
    """Its forward reads the bias of a layer, which a binary one does not have."""

    def forward(self, x: Tensor) -> Tensor:
        assert self.conv2.bias is not None
        return super().forward(x) + (self.conv2.bias.sum() if len(x.shape) == 4 else 0)


def test_what_fails_with_other_layers_says_so() -> None:
    with pytest.raises(InputError, match=r"in it the forward fails .*'bias'.* in keep"):
        binarize(Reading(), "bnn")
    kept = binarize(Reading(), "bnn", ["conv1", "conv2", "fc2"])
    assert kept.report.binary == ["fc1"]


class Twice(Plain):
    """One layer behind a function and behind a normalisation; the features of tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Conv2d(12, 12, 3, padding=1)
        self.norm = nn.BatchNorm2d(12)
        self.mix = nn.Linear(12, 72)

    def forward(self, x: Tensor) -> Tensor:
        if len(x.shape) != 4:
            raise ValueError
        x = self.same(self.norm(self.conv2(self.conv1(x))))
        x = F.relu(self.same(F.relu(x)))
        x = F.relu(self.mix(x.flatten(2).transpose(1, 2))).mean(1)
        y: Tensor = self.fc2(self.fc1(x))
        return y


def test_layers_of_two_calls_and_of_tokens_module_by_module() -> None:
    binary = binarize(Twice(), "reactnet")
    changes = {(each.where, each.kind): each.becomes for each in binary.report.changes}
    assert changes["same", "input"] == "BatchNorm2d"
    assert changes["same", "shortcut"] == "none"
    assert changes["mix", "input"] == "LayerNorm"
    assert changes["mix", "bias"] == "Bias"
    assert_same_answers(randomise(binary), (10, 9, 1))
