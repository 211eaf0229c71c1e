"""ONNX files say what PyTorch says, in each form: by ONNX's own evaluator, and by ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.compiler.nets import MEAN, STD, compiled, pixels, randomise
from tests.compiler.random_nets import random_net
from tests.compiler.small import SIZE, small_net
from torch import Tensor, nn

from signbit import methods
from signbit.bitformat.table import STEPS as FILE_STEPS
from signbit.compiler import Compiled
from signbit.compiler.exporting.answers import result_names
from signbit.compiler.exporting.exported import Replay, normalise
from signbit.compiler.ir.operations import HALVES, RULES
from signbit.errors import CompileError, InputError
from signbit.nn.layers import BinaryConv2d
from signbit.nn.pixels.pixel_table import PixelTable
from signbit.nn.pixels.stem_rounding import round_stem

onnx = pytest.importorskip("onnx")

from tests.exchange.onnx.writing.quantisers import evaluate  # noqa: E402

from signbit.exchange.onnx.writing import FORMS, ask_peer, to_onnx  # noqa: E402
from signbit.exchange.onnx.writing.operations import OPERATIONS  # noqa: E402
from signbit.exchange.onnx.writing.steps import STEPS  # noqa: E402

METHODS = [name for name in methods.names() if name != "real"]
QUICK = ("adabin", "xnor")


def check(result: Compiled, count: int = 4, tolerance: float = 1e-4) -> None:
    """Every form, by ONNX's evaluator, against PyTorch: outputs' names, dimensions and values."""
    size = result.graph.inputs[0].shape
    images = normalise(pixels(count, size, 3), result.inputs[0].mean, result.inputs[0].std)
    answers = Replay(result.program)(images)
    expected = dict(zip(result_names(result.program), answers, strict=True))
    for form in FORMS:
        data = to_onnx(result, form)
        onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
        found = evaluate(data, images.numpy())
        assert list(found) == [output.name for output in result.graph.outputs]
        for name, values in found.items():
            wanted = expected[name].numpy()
            assert values.shape == wanted.shape, form
            bound = tolerance * max(1.0, float(np.abs(wanted).max()))
            assert np.abs(values - wanted).max() <= bound, (form, name)


@pytest.mark.parametrize(
    "method",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in METHODS],
)
def test_every_method(method: str) -> None:
    check(compiled(small_net(method, trained=method == "xnor"), SIZE))


@pytest.mark.parametrize("kept", ["activations", "weights"])
def test_one_operand_real(kept: str) -> None:
    check(compiled(small_net("adabin", kept), SIZE))


class _Of(nn.Module):
    """A function of a map (N, 8, 6, 4) of reals."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self.stem(x))


def _attention(x: Tensor) -> Tensor:
    tokens = x.flatten(2).transpose(1, 2)
    return F.softmax(tokens @ tokens.transpose(1, 2), -1) @ tokens


def _by_channel(*values: float) -> Tensor:
    return torch.linspace(values[0], values[1], 8).reshape(8, 1, 1)


def _signs(x: Tensor) -> Tensor:
    return torch.where(x > _by_channel(-0.2, 0.3), 1.0, -1.0)


FUNCTIONS: dict[str, Callable[[Tensor], Any]] = {
    "activations": lambda x: torch.cat(
        [F.relu(x), F.gelu(x), F.silu(x), F.hardswish(x), F.hardsigmoid(x), x.tanh(), x.sigmoid()],
        1,
    ),
    "attention": _attention,
    "average of padded windows": lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True),
    "average without padding": lambda x: F.avg_pool2d(x, 3, 2, 1, True, False),
    "bounds by channel": lambda x: torch.maximum(x, _by_channel(-0.5, 0.2)),
    "clip": lambda x: F.hardtanh(x) + x.clamp(-0.3, 0.7),
    "channels moved": lambda x: F.channel_shuffle(x, 4) + x[:, 2:3],
    "depth to space": lambda x: F.pixel_shuffle(x, 2),
    "dictionary": lambda x: {"map": x, "logits": x.mean((2, 3)), "largest": x.amax((2, 3))},
    "gate": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid() - x[:, 1:2],
    "largest of dilated windows": lambda x: F.max_pool2d(x, 2, 1, 1, 2),
    "largest with a last window": lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    "layer norm": lambda x: F.layer_norm(x.flatten(2).transpose(1, 2), (8,)),
    "length": lambda x: F.normalize(x, dim=1),
    "maps of one pixel": lambda x: x.mean((2, 3), keepdim=True),
    "pads of a value": lambda x: F.pad(F.pad(x, (1, 0, 2, 1), value=0.5), (0, 2, 0, 0)),
    "rows exchanged with channels": lambda x: x.permute(0, 2, 1, 3).contiguous(),
    "shortcut of half the size": lambda x: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2)),
    "signs": _signs,
    "signs, the other way": lambda x: torch.where(x < 0.1, 1.0, -1.0),
    "signs, the largest": lambda x: F.max_pool2d(torch.where(x < 0, -1.0, 1.0), 2),
    "space to depth": lambda x: F.pixel_unshuffle(x, 2),
    "two of four": lambda x: torch.where(x < 0, 0.25, 3.0) * x,
    "upsample": lambda x: F.interpolate(x, scale_factor=(3, 2)),
    "view repeated": lambda x: torch.cat((x, x), 1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    torch.manual_seed(1)
    model = _Of(FUNCTIONS[name])
    result = compiled(model.eval(), (6, 4, 3))
    check(result, tolerance=1e-5)


class _Signs(nn.Module):
    """Signs of a pixel and one number added, and whole numbers: every arithmetic has these bits."""

    def __init__(self, channels: int, out: int, size: int, **window: int) -> None:
        super().__init__()
        method = methods.get("bnn")
        binarizers = {
            "weight_binarizer": method.weight_binarizer(out),
            "activation_binarizer": method.activation_binarizer(channels),
        }
        self.spread = nn.Conv2d(3, channels, 1)
        with torch.no_grad():
            self.spread.weight.copy_(torch.eye(3)[torch.arange(channels) % 3, :, None, None])
        self.first = BinaryConv2d(channels, out, size, **window, **binarizers)
        self.second = method.conv2d(out, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(self.first(self.spread(x)))
        return y


@pytest.mark.parametrize(
    ("channels", "out", "size", "window"),
    [
        (8, 16, 3, {"padding": 1}),
        (1, 3, 1, {}),
        (3, 8, 3, {"stride": 2}),
        (65, 8, 3, {"padding": 1}),
        (16, 65, 5, {"padding": 2, "stride": 2}),
        (24, 24, 3, {"padding": 1, "groups": 3}),
    ],
)
def test_products_of_signs_are_exact(
    channels: int, out: int, size: int, window: dict[str, int]
) -> None:
    torch.manual_seed(0)
    model = _Signs(channels, out, size, **window)
    check(compiled(model.eval(), (7, 6, 3)), tolerance=0.0)


def test_a_sign_that_two_layers_read() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 16, 3, padding=1)
            self.left = methods.get("bnn").conv2d(16, 8, 3, 1, 1)
            self.right = methods.get("bnn").conv2d(16, 8, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            return torch.cat((self.left(x), self.right(x)), 1)

    result = compiled(randomise(Net()), (5, 6, 3))
    check(result)
    nodes = onnx.load_from_string(to_onnx(result, "openvino")).graph.node
    quantised = [node.output[0] for node in nodes if node.op_type == "FakeQuantize"]
    readers = [name for node in nodes for name in node.input if name in quantised]
    assert len(quantised) == len(readers) == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed: int) -> None:
    check(compiled(random_net(seed), (12, 12, 3)))


def test_runtimes_count_as_the_engine_is_counted() -> None:
    pytest.importorskip("onnxruntime")
    result = compiled(small_net("sdbnn"), SIZE)
    images = pixels(9, SIZE, 5)
    asked = ask_peer(to_onnx(result), "plain", result, images, np.zeros(9, np.int64))
    assert asked is not None
    assert asked.agrees
    assert asked.runtime.startswith("ONNX Runtime 1.")
    figures = asked.to_dict()
    assert (figures["images"], figures["disagreements"]) == (9, 0)
    assert figures["runtime_top1"] == figures["pytorch_top1"]


def test_a_file_that_says_something_else_is_found() -> None:
    pytest.importorskip("onnxruntime")
    right = compiled(small_net("bnn"), SIZE)
    other = compiled(randomise(small_net("bnn"), 5), SIZE)
    asked = ask_peer(to_onnx(other), "plain", right, pixels(9, SIZE, 5))
    assert asked is not None
    assert not asked.agrees


def test_what_the_file_says_of_itself() -> None:
    data = to_onnx(compiled(small_net("bnn"), SIZE, class_names=list("abcde")), "qonnx")
    model = onnx.load_from_string(data)
    assert (model.ir_version, model.producer_name) == (8, "signbit")
    domains = {each.domain: each.version for each in model.opset_import}
    assert domains == {"": 17, "qonnx.custom_op.general": 1}
    (notes,) = model.metadata_props
    told = json.loads(notes.value)
    assert told["class_names"] == list("abcde")
    assert set(told) == {"mean", "std", "class_names", "resize"}
    quantised = [node for node in model.graph.node if node.op_type == "BipolarQuant"]
    assert len(quantised) == 2 * 7  # of each layer the input and the weights


def test_an_int16_stem_reads_whole_pixels() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(192, 3))
    rounded = round_stem(model.eval(), MEAN, STD, input_size=(6, 4, 3))
    check(compiled(rounded, (6, 4, 3)))


def test_every_operation_and_step_is_written() -> None:
    assert set(OPERATIONS) == set(RULES) - {*HALVES, "image", "reals", "unknown"}
    assert set(STEPS) == set(FILE_STEPS)


def test_forms_are_named() -> None:
    with pytest.raises(InputError, match="form: must be one of plain, qonnx, openvino"):
        to_onnx(compiled(small_net("bnn"), SIZE), "tflite")


def test_a_table_of_pixels_that_no_steps_add_up_to_is_refused() -> None:
    values = torch.from_numpy(np.arange(256) * 77 % 256)
    table = PixelTable(values, MEAN, STD)
    result = compiled(nn.Sequential(table, nn.Conv2d(3, 4, 3)).eval(), SIZE)
    assert result.graph.inputs[0].table is not None
    with pytest.raises(CompileError, match="an ONNX file has tables of at most 16"):
        to_onnx(result)
