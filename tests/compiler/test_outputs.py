"""Models of several results, and of results of their modules: outputs of the file, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from tests.compiler.nets import pixels
from tests.compiler.small import small_net
from torch import Tensor, nn

import signbit
from signbit.compiler import compile_model
from signbit.compiler.verification.verify import verify
from signbit.errors import CompileError, InputError
from signbit.runtime import reference

SIZE = (9, 7, 3)
NORM = {"mean": 0.4, "std": 0.3}
IMAGES = pixels(3, SIZE)


@dataclass
class Detected:
    logits: Tensor
    boxes: Tensor
    loss: Tensor | None = None


class Named(NamedTuple):
    boxes: Tensor
    logits: Tensor


RESULTS: dict[str, tuple[Any, list[str]]] = {
    "one": (lambda g, y: y, ["logits"]),
    "a tuple": (lambda g, y: (g, y), ["output.0", "output.1"]),
    "a list of one": (lambda g, y: [y], ["output.0"]),
    "a dict": (lambda g, y: {"features": g, "logits": y}, ["logits", "features"]),
    "one inside another": (lambda g, y: {"a": [g, {"b": y}]}, ["a.0", "a.1.b"]),
    "a dataclass": (lambda g, y: Detected(y, g), ["logits", "boxes"]),
    "a named tuple": (lambda g, y: Named(g, y), ["logits", "boxes"]),
    "one twice": (lambda g, y: (y, y, g), ["output.0", "output.1", "output.2"]),
}
"""What a network makes of a map and scores, and the outputs of its file."""


class Net(nn.Module):
    """A real network with an activation in place, and any kind of result."""

    def __init__(self, result: Any = RESULTS["one"][0]) -> None:
        super().__init__()
        self.result = result
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True))
        self.conv = nn.Conv2d(8, 5, 3, padding=1)
        self.unused = nn.Conv2d(8, 5, 1)
        self.classifier = nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Any:
        features = self.conv(self.stem(x))
        return self.result(features, self.classifier(features.mean((2, 3))))


@pytest.mark.parametrize("kind", RESULTS)
def test_results_are_outputs_by_name(kind: str) -> None:
    result, names = RESULTS[kind]
    scores = names[0] if "logits" in names else ""
    given: dict[str, Any] = {"class_names": list("abcd")} if scores else {}
    compiled = compile_model(Net(result).eval(), input_size=SIZE, verify=IMAGES, **given, **NORM)
    assert compiled.agreement is not None
    assert compiled.agreement.end_to_end.max_error < 1e-5
    engine = signbit.load(compiled.data)
    assert [each.name for each in engine.outputs] == names
    assert engine.class_names == (list("abcd") if scores else [])
    answers = engine(IMAGES)
    assert isinstance(answers, dict) == (len(names) > 1)


def test_modules_results_are_what_they_were_when_they_were_made() -> None:
    model = Net().eval()
    keep = ["stem.0", "stem", "conv"]
    compiled = compile_model(model, input_size=SIZE, keep=keep, verify=IMAGES, **NORM)
    engine = signbit.load(compiled.data)
    assert [each.name for each in engine.outputs] == ["logits", *keep]
    normal = (torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 255 - 0.4) / 0.3
    with torch.no_grad():
        expected = {"stem.0": model.stem[0](normal), "stem": model.stem(normal)}
    for name, value in expected.items():
        found = engine.features(IMAGES, name)
        np.testing.assert_allclose(found, value.permute(0, 2, 3, 1), rtol=0, atol=1e-5)
    assert (engine.features(IMAGES, "stem.0") < 0).any()
    assert not model._forward_hooks
    assert not model.conv._forward_hooks


@pytest.mark.parametrize("method", ["sdbnn", pytest.param("adabin", marks=pytest.mark.slow)])
def test_what_is_kept_of_a_binary_network_has_the_same_bits_everywhere(method: str) -> None:
    """On every instruction set, fused and not, as the reference has them; so at any size."""
    model = small_net(method)
    size = (12, 8, 3)
    images = pixels(2, size)
    keep = ["stem", "units.0", "units.1.shortcut", "block", "linear"]
    plain = compile_model(model, input_size=size, **NORM)
    compiled = compile_model(model, input_size=size, keep=keep, verify=images, **NORM)
    expected = reference.ReferenceEngine(compiled.data)(images)
    assert list(expected) == ["logits", *keep]
    for isa in signbit.cpu_isas():
        for fuse in (True, False):
            found = signbit.runtime.engine.Engine(compiled.data, isa=isa, _fuse=fuse)(images)
            for name, values in expected.items():
                np.testing.assert_array_equal(found[name], values, err_msg=f"{isa} {name}")
    without = signbit.load(plain.data)(images)
    np.testing.assert_allclose(expected["logits"], without, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_file_of_any_size_has_them_too() -> None:
    result, names = RESULTS["a dict"]
    compiled = compile_model(
        Net(result).eval(), input_size=SIZE, keep=["stem"], any_size=True, **NORM
    )
    assert sum(each.agreement is not None for each in compiled.sizes) >= 3
    other = signbit.load(compiled.data, input_size=(15, 12))(pixels(2, (15, 12, 3)))
    assert list(other) == [*names, "stem"]
    assert other["stem"].shape == (2, 13, 10, 8)


class Twice(Net):
    def forward(self, x: Tensor) -> Any:
        return self.conv(self.stem[1](self.stem[1](self.stem[0](x))))


@pytest.mark.parametrize(
    ("model", "keep", "reason"),
    [
        (Net(), ["stage.0"], r"keep: 'stage\.0' is no module of the model; name one of .*stem\.0"),
        (Net(), [""], "is no module"),
        (Net(), "stem", "keep: must be"),
        (Net(), ["unused"], "keep: unused: is not called"),
        (Twice(), ["stem.1"], r"keep: stem\.1: is called more than once"),
        (Net(RESULTS["a dict"][0]), ["features"], "is no module"),
        (Net(lambda g, y: {"conv": y}), ["conv"], "is the name of a result"),
        (nn.Sequential(Net(RESULTS["a tuple"][0])), ["0"], "gives no tensor, but a tuple"),
    ],
)
def test_what_cannot_be_kept_is_named(model: nn.Module, keep: Any, reason: str) -> None:
    with pytest.raises(CompileError, match=reason):
        compile_model(model.eval(), input_size=SIZE, keep=keep, **NORM)


def test_verification_refuses_other_images_and_other_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Net(RESULTS["a tuple"][0]).eval()
    for wrong in (IMAGES[:, :-1], IMAGES.astype(np.float32), "images"):
        with pytest.raises(InputError, match="images: must be"):
            compile_model(model, input_size=SIZE, verify=wrong, **NORM)  # type: ignore[arg-type]
    monkeypatch.setattr("signbit.compiler.verification.agreement.REAL_TOLERANCE", -1.0)
    with pytest.raises(CompileError, match="verify: the engine and PyTorch disagree on "):
        compile_model(model, input_size=SIZE, verify=IMAGES, **NORM)


def test_each_output_is_compared() -> None:
    """Also one that no node behind it reads."""
    compiled = compile_model(Net(RESULTS["a tuple"][0]).eval(), input_size=SIZE, **NORM)

    class Wrong:
        def __init__(self) -> None:
            self.engine = signbit.load(compiled.data)
            self.run_nodes = self.engine.run_nodes

        def __call__(self, images: Any) -> Any:
            answers = self.engine(images)
            return {**answers, "output.1": answers["output.1"] + 1}

    assert verify(compiled, IMAGES, engine=Wrong()).end_to_end.max_error == pytest.approx(1)
