"""Models of several inputs, and of reals: compiled, compared, called by name and by position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.nets import randomise
from tests.runtime.identity import ISAS, assert_identical, named, unfused_engine
from tests.thorough import drawn
from torch import Tensor, nn

import signbit
from signbit import nn as bnn
from signbit.compiler import Compiled, ImageInput, RealInput, Resize, check, compile_model
from signbit.compiler.verification.verify import verify
from signbit.errors import CompileError, InputError, SignbitWarning
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.runtime.reference import ReferenceEngine

SIZE = (9, 7)
PHOTO = ImageInput((*SIZE, 3), (0.48, 0.45, 0.4), (0.22, 0.21, 0.23))
DEPTH = ImageInput((*SIZE, 1), 0.25, 0.5)
STATE = RealInput(5)
MAP = RealInput((*SIZE, 4))
SIGNAL = RealInput((11, 3))


class Of(nn.Module):
    """Two inputs to 6 channels each, by the function to features, by a linear layer to scores."""

    def __init__(
        self, function: Callable[[Tensor, Tensor], Any], channels: tuple[int, int], features: int
    ) -> None:
        super().__init__()
        self.function = function
        self.first = nn.Sequential(nn.Conv2d(channels[0], 6, 3, padding=1), nn.BatchNorm2d(6))
        self.second = nn.Sequential(nn.Conv2d(channels[1], 6, 3, padding=1), nn.BatchNorm2d(6))
        self.conv = BinaryConv2d(features, 10, 3, padding=1)
        self.head = nn.Linear(10, 4)

    def forward(self, photo: Tensor, other: Tensor) -> Any:
        joined = self.function(self.first(photo), self.second(other))
        return self.head(self.conv(joined).mean((2, 3)))


class Gated(nn.Module):
    """A map of the first input, scaled by a vector of the second, which is given back, too."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3)
        self.gate = nn.Sequential(nn.BatchNorm1d(5), BinaryLinear(5, 6), nn.Sigmoid())

    def forward(self, photo: Tensor, state: Tensor) -> dict[str, Tensor]:
        gated = self.stem(photo) * self.gate(state)[..., None, None]
        return {"logits": F.relu(gated).mean((2, 3)), "state": state, "negative": -state}


class Signs(nn.Module):
    """Signs of both inputs as they are, of their difference, and of an input that is read twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = BinaryConv2d(8, 4, 3, padding=1)
        self.again = nn.Conv2d(3, 4, 1)

    def forward(self, photo: Tensor, other: Tensor) -> Tensor:
        signs = torch.cat([photo, other, photo[:, :1] - other], 1)
        return (self.conv(torch.cat([signs, photo], 1)) + self.again(photo)).mean((2, 3))


class Apart(nn.Module):
    """Two networks that never meet, of a signal and of a vector; any number of inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear = bnn.BinaryConv1d(3, 8, 3), BinaryLinear(5, 3)

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor]:
        signal, state = given
        return self.conv(signal).mean(2), self.linear(state)


class Alone(nn.Module):
    """A vector to scores."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(5), BinaryLinear(5, 65), nn.BatchNorm1d(65), nn.Linear(65, 3)
        )

    def forward(self, features: Tensor) -> Tensor:
        scores: Tensor = self.layers(features)
        return scores


class Tabled(nn.Module):
    """A table of the first image's pixels, beside the second image."""

    def __init__(self) -> None:
        super().__init__()
        values = torch.arange(256).remainder(7).float()
        self.table = bnn.PixelTable(values, 0.0, 1.0)
        self.first, self.second = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(1, 6, 3, padding=1)

    def forward(self, photo: Tensor, other: Tensor) -> Tensor:
        return (self.first(self.table(photo)) + self.second(other)).relu().mean((2, 3))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    "images joined": (
        lambda: Of(lambda a, b: torch.cat([a, b], 1), (3, 1), 12),
        {"photo": PHOTO, "other": DEPTH},
    ),
    "an image and a map added": (
        lambda: Of(lambda a, b: a + b, (3, 4), 6),
        {"photo": PHOTO, "other": MAP},
    ),
    "forward's order": (
        lambda: Of(lambda a, b: a * b, (1, 3), 6),
        {"other": PHOTO, "photo": DEPTH},
    ),
    "two alike": (lambda: Of(lambda a, b: a - b, (3, 3), 6), {"left": PHOTO, "right": PHOTO}),
    "a gate": (Gated, {"photo": PHOTO, "state": STATE}),
    "signs of images": (Signs, {"photo": PHOTO, "other": DEPTH}),
    "signs of reals": (Signs, {"photo": RealInput((*SIZE, 3)), "other": RealInput((*SIZE, 1))}),
    "a table of one image": (
        Tabled,
        {"photo": ImageInput((*SIZE, 3), 0, 1), "other": DEPTH},
    ),
    "apart": (Apart, {"signal": SIGNAL, "state": STATE}),
    "a vector": (Alone, {"features": STATE}),
    "an image by name": (lambda: nn.Conv2d(3, 4, 3), {"pixels": PHOTO}),
}


def _samples(compiled: Compiled, count: int, seed: int = 0) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {
        each.name: generator.integers(0, 256, (count, *each.shape), dtype=np.uint8)
        if each.kind == "image"
        else generator.standard_normal((count, *each.shape)).astype(np.float32)
        for each in compiled.graph.inputs
    }


def _assert_exact(compiled: Compiled) -> None:
    """Every node as PyTorch has it, and the reference's bits on every instruction set."""
    found = verify(compiled, _samples(compiled, 5))
    assert [node for node in found.nodes if not node.agrees] == []
    assert found.near["answers_changed"] == 0
    if found.near["signs"] == 0:
        assert found.end_to_end.max_error < 1e-4
    reference = ReferenceEngine(compiled.data)
    for isa in ISAS:
        for engine in (signbit.load(compiled.data, 1, isa), unfused_engine(compiled.data, 1, isa)):
            for count in (1, 2, 5):
                samples = _samples(compiled, count, count)
                assert_identical(named(engine(samples)), named(reference(samples)))


@pytest.mark.parametrize("kind", NETWORKS)
def test_says_what_pytorch_says(kind: str) -> None:
    build, inputs = NETWORKS[kind]
    torch.manual_seed(1)
    compiled = compile_model(randomise(build()), inputs=inputs)
    _assert_exact(compiled)
    assert {each.name for each in compiled.graph.inputs} == {*inputs}


def test_inputs_are_in_the_order_of_forward() -> None:
    build, inputs = NETWORKS["forward's order"]
    compiled = compile_model(build().eval(), inputs=inputs)
    assert [each.name for each in compiled.graph.inputs] == ["photo", "other"]
    engine, samples = signbit.load(compiled.data), _samples(compiled, 3)
    answers = engine(samples)
    for by_position in (
        engine(*samples.values()),
        engine([*samples.values()]),
        ReferenceEngine(compiled.data)([*samples.values()]),
    ):
        np.testing.assert_array_equal(by_position, answers)
    np.testing.assert_array_equal(engine.features([*samples.values()], "logits"), answers)
    assert len(engine.explain([*samples.values()])) == len(compiled.graph.nodes)


def test_each_image_has_its_rule_for_photographs() -> None:
    other = replace(DEPTH, resize=Resize(letterbox=(7,)))
    compiled = compile_model(_two(), inputs={"photo": PHOTO, "other": other})
    assert [each.resize for each in compiled.graph.inputs] == [Resize(9), other.resize]


def test_one_image_is_compiled_as_ever() -> None:
    """By `inputs` as by the three arguments: the same file."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), BinaryConv2d(4, 5, 3)).eval()
    one = compile_model(net, input_size=PHOTO.size, mean=PHOTO.mean, std=PHOTO.std)
    by_name = compile_model(net, inputs={"image": PHOTO})
    assert by_name.data == one.data
    assert check(net, inputs={"image": PHOTO}) == []


_PARTS: dict[str, tuple[Any, Callable[[], nn.Module]]] = {
    "photo": (PHOTO, lambda: nn.Conv2d(3, 6, 3, padding=1)),
    "depth": (DEPTH, lambda: nn.Conv2d(1, 6, 1)),
    "signs": (DEPTH, lambda: BinaryConv2d(1, 6, 3, padding=1)),
    "strided": (ImageInput((18, 14, 2), 0.4, 0.3), lambda: nn.Conv2d(2, 6, 2, stride=2)),
    "map": (MAP, lambda: BinaryConv2d(4, 6, 3, padding=1)),
    "vector": (STATE, lambda: nn.Sequential(nn.Linear(5, 6), nn.Unflatten(1, (6, 1, 1)))),
    "pixel": (RealInput((1, 1, 6)), nn.Hardtanh),
}


class Mixed(nn.Module):
    """Any inputs, each to 6 channels, then added or multiplied, one after the other."""

    def __init__(self, kinds: list[str], products: list[bool]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(_PARTS[kind][1]() for kind in kinds)
        self.products = products
        self.norm, self.conv = nn.BatchNorm2d(6), BinaryConv2d(6, 3, 3, padding=1)

    def forward(self, *given: Tensor) -> Tensor:
        values = [part(each) for part, each in zip(self.parts, given, strict=True)]
        value = values[0]
        for product, other in zip(self.products, values[1:], strict=False):
            value = value * other if product else value + other
        return self.conv(self.norm(value)).amax((2, 3))


@drawn(60, least=8)
@given(
    st.lists(st.sampled_from([*_PARTS]), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_any_inputs_together(kinds: list[str], products: list[bool]) -> None:
    torch.manual_seed(3)
    kinds = ["photo", *kinds]
    inputs = {f"{kind} {place}": _PARTS[kind][0] for place, kind in enumerate(kinds)}
    _assert_exact(compile_model(randomise(Mixed(kinds, [*products, True])), inputs=inputs))


def _two() -> nn.Module:
    return NETWORKS["images joined"][0]().eval()


REFUSED: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    r"inputs: must be a dict of ImageInput and RealInput by name; it is \[\]": (
        _two,
        {"inputs": []},
    ),
    r"inputs: must have a name of text for each; it is 3": (_two, {"inputs": {3: PHOTO}}),
    r"inputs\['photo'\]: must be an ImageInput or a RealInput; it is 'x'": (
        _two,
        {"inputs": {"photo": "x", "other": DEPTH}},
    ),
    r"inputs: 'photo', 'depth' are not the first parameters.*forward\(photo, other\)": (
        _two,
        {"inputs": {"photo": PHOTO, "depth": DEPTH}},
    ),
    r"inputs\['other'\]\.std: must be more than 0": (
        _two,
        {"inputs": {"photo": PHOTO, "other": ImageInput((*SIZE, 1), 0, 0)}},
    ),
    r"inputs\['other'\]\.size: must be .height, width, channels.": (
        _two,
        {"inputs": {"photo": PHOTO, "other": ImageInput("9", 0, 1)}},
    ),
    r"inputs\['other'\]\.size: must be the length of a vector": (
        _two,
        {"inputs": {"photo": PHOTO, "other": RealInput((0, 4))}},
    ),
    r"inputs\['other'\]\.size: .* is more than a file's input has": (
        _two,
        {"inputs": {"photo": PHOTO, "other": RealInput((1, 99999, 4))}},
    ),
    "input_size: is what inputs says": (_two, {"input_size": 9, "inputs": {"photo": PHOTO}}),
    "resize_shorter_side: is what inputs says": (
        _two,
        {"resize_shorter_side": 9, "inputs": {"photo": PHOTO, "other": DEPTH}},
    ),
    r"inputs\['other'\]\.resize\.letterbox: must have 1 to 3 items": (
        _two,
        {"inputs": {"photo": PHOTO, "other": replace(DEPTH, resize=Resize(letterbox=()))}},
    ),
    "any_size: is for a network of one input": (
        _two,
        {"any_size": True, "inputs": {"photo": PHOTO, "other": DEPTH}},
    ),
    r"inputs\['state'\]: no output of the model depends on it": (
        lambda: _Ignores().eval(),
        {"inputs": {"photo": PHOTO, "state": STATE}},
    ),
    "several inputs are named by `inputs`": (_two, {"input_size": 9, "mean": 0.5, "std": 0.25}),
    "input_size: must be": (_two, {"mean": 0.5, "std": 0.25}),
    "is not the same for each image of any batch size": (
        lambda: _Halved().eval(),
        {"inputs": {"photo": PHOTO, "state": STATE}},
    ),
}


class _Ignores(nn.Module):
    def forward(self, photo: Tensor, state: Tensor) -> Tensor:
        return photo.mean((2, 3))


class _Halved(nn.Module):
    def forward(self, photo: Tensor, state: Tensor) -> Tensor:
        return state * 2 if photo.shape[0] > 3 else state


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_is_refused_by_name(message: str) -> None:
    build, arguments = REFUSED[message]
    with pytest.raises(CompileError, match=message):
        compile_model(build(), **arguments)


def test_units_are_looked_at_for_each_image() -> None:
    other = ImageInput((*SIZE, 1), 120, 60)
    with pytest.warns(SignbitWarning, match=r"inputs\['other'\]\.mean: 120 is more"):
        compile_model(_two(), inputs={"photo": PHOTO, "other": other})


def test_calls_that_do_not_fit_are_refused() -> None:
    compiled = compile_model(_two(), inputs={"photo": PHOTO, "other": DEPTH})
    photo, other = _samples(compiled, 2).values()
    wanted = "inputs: must be a dict of 'photo', 'other', or these arrays in order"
    for engine in (signbit.load(compiled.data), ReferenceEngine(compiled.data)):
        for arrays, message in (
            (photo, f"{wanted}, is ndarray"),
            ([photo], f"{wanted}; there are 1"),
            ([photo, other, other], f"{wanted}; there are 3"),
            ([other, photo], "'photo': must have shape"),
        ):
            with pytest.raises(InputError, match=message):
                engine(arrays)
    with pytest.raises(InputError, match="a classifier has one"):
        signbit.load(compiled.data).predict(photo[0])
    one = compile_model(nn.Conv2d(3, 2, 1).eval(), inputs={"photo": PHOTO})
    with pytest.raises(
        InputError, match="'photo': must be a NumPy array of uint8 or float32, is tuple"
    ):
        signbit.load(one.data)(photo, other)
    samples = {"photo": photo, "other": other[:1]}
    for wrong, message in (
        (photo, r"images: must be a dict of samples of 'photo', 'other'"),
        ({"photo": photo}, "images: must be a dict of samples"),
        (samples, "batch sizes differ"),
        ({"photo": photo.astype(np.float32), "other": other}, r"images\['photo'\]: must be"),
    ):
        with pytest.raises(InputError, match=message):
            verify(compiled, wrong)


def test_a_table_is_its_images_own() -> None:
    build, inputs = NETWORKS["a table of one image"]
    photo, other = compile_model(build().eval(), inputs=inputs).graph.inputs
    assert photo.table is not None
    assert other.table is None


def test_an_onnx_file_is_of_one_image() -> None:
    model = pytest.importorskip("signbit.exchange.onnx.writing")
    for kind in ("a gate", "a vector"):
        build, inputs = NETWORKS[kind]
        with pytest.raises(CompileError, match="a network of one input, of images"):
            model.to_onnx(compile_model(build().eval(), inputs=inputs))
