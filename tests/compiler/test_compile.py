"""Whole networks: signbit's own and those a user puts together from its layers."""

import numpy as np
import pytest
import torch
from tests.compiler.file_nodes import adds_shortcut, kinds, pools, signs
from tests.compiler.nets import (
    Size,
    assert_same_answers,
    compiled,
    network,
    op_names,
    pixels,
    pytorch_logits,
    randomise,
)
from tests.thorough import sample
from torch import Tensor, nn

from signbit.bitformat.graph import Resize
from signbit.compiler import Compiled
from signbit.compiler.verification.verify import verify_nodes
from signbit.errors import CompileError
from signbit.nn.binarizers import ASD, WSD, AbsMeanScale, MeanAbsScale, RealActivation
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.runtime.reference import ReferenceEngine


def _assert_nodes_agree(result: Compiled, size: Size, count: int = 4) -> None:
    nodes = verify_nodes(result, pixels(count, size, 5), engine=ReferenceEngine(result.data))
    for node in nodes:
        assert node.agrees, node
    assert sum(node.dots for node in nodes) > 0


NETWORKS = [
    ("digits", (8, 8, 1)),
    ("resnet20", (32, 32, 3)),
    ("vgg-small", (32, 32, 3)),
]


TELLING = [
    ("digits", (8, 8, 1), "sdbnn"),
    ("resnet20", (32, 32, 3), "sdbnn"),
    ("vgg-small", (32, 32, 3), "bnn"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "size", "method"),
    sample(
        [(*network, method) for network in NETWORKS for method in ("bnn", "sdbnn")],
        *TELLING,
    ),
)
def test_signbits_networks(architecture: str, size: Size, method: str) -> None:
    model = network(architecture, method, size)
    result = compiled(model, size, class_names=list("abcdefghij"))
    _assert_nodes_agree(result, size)
    images = pixels(4, size)
    logits = ReferenceEngine(result.data)(images)
    np.testing.assert_allclose(logits, pytorch_logits(model, images), atol=1e-4)

    binary = [node for node in result.graph.nodes if node.op == "binary_conv"]
    assert len(binary) == {"digits": 2, "resnet20": 18, "vgg-small": 5}[architecture]
    # A unit of a residual network is one node: additions and non-linearities are fused.
    shortcuts = [node for node in binary if adds_shortcut(node)]
    assert len(shortcuts) == (18 if architecture == "resnet20" else 0)
    pooled = [node for node in binary if pools(node)]
    assert len(pooled) == {"digits": 1, "resnet20": 0, "vgg-small": 3}[architecture]
    assert "max_pool" not in op_names(result)
    if method == "bnn" and architecture != "resnet20":
        # Integers end to end: no binary layer but the last stores a real.
        stores = ["real" in kinds(node) for node in binary]
        assert stores == [False] * (len(binary) - 1) + [True]
        thresholds = [sign.threshold for node in binary for sign in signs(node)]
        assert all(result.constants[str(number)].dtype == np.int32 for number in thresholds)
    if method == "bnn":
        assert "identity" not in op_names(result)


def test_the_file_takes_raw_pixels_and_remembers_how() -> None:
    model = network("digits", "bnn", (8, 8, 1))
    result = compiled(
        model, (8, 8, 1), resize_shorter_side=9, interpolation="nearest", source={"a": "b"}
    )
    (given,) = result.graph.inputs
    assert (given.kind, given.shape, given.resize) == ("image", (8, 8, 1), Resize(9, "nearest"))
    assert result.graph.source == {"a": "b"}
    pad_value = result.constants[str(result.graph.nodes[0]["pad_value"])]
    np.testing.assert_allclose(pad_value, [255 * 0.48], rtol=1e-6)


def test_a_filter_that_no_reader_knows_is_refused() -> None:
    with pytest.raises(CompileError, match="interpolation: must be one of bilinear, nearest"):
        compiled(network("digits", "bnn", (8, 8, 1)), (8, 8, 1), interpolation="cubic")


def test_the_same_model_gives_the_same_bytes() -> None:
    model = network("digits", "sdbnn", (8, 8, 1))
    assert compiled(model, (8, 8, 1)).data == compiled(model, (8, 8, 1)).data


def test_compiling_leaves_the_model_as_it_was() -> None:
    model = network("digits", "sdbnn", (8, 8, 1))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    compiled(model, (8, 8, 1))
    assert not model.training
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


class PreActivation(nn.Module):
    """XNOR-Net's order, BN → sign → conv → pool, with a shortcut around it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(24)
        self.conv1 = BinaryConv2d(24, 24, 3, padding=1, weight_binarizer=MeanAbsScale())
        self.norm2 = nn.BatchNorm2d(24)
        self.conv2 = BinaryConv2d(24, 40, 3, padding=1, weight_binarizer=AbsMeanScale())
        self.pool = nn.MaxPool2d(3, 2)
        self.head = nn.Linear(40, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.conv1(self.norm1(x))
        x = self.pool(self.conv2(self.norm2(x)))
        y: Tensor = self.head(x.relu().mean((2, 3)))
        return y


def test_pre_activation_order() -> None:
    torch.manual_seed(0)
    model = randomise(PreActivation())
    result = assert_same_answers(model, (12, 12, 3))
    _assert_nodes_agree(result, (12, 12, 3))
    assert op_names(result) == [
        "real_conv",
        "binary_conv",
        "binary_conv",
        "global_mean",
        "real_conv",
    ]
    # The stem's reals are the shortcut; batch-norm and sign became a comparison beside them.
    stem, first, second, *_ = result.graph.nodes
    assert kinds(stem) == ["real", "signs"]
    assert adds_shortcut(first)
    assert kinds(first) == ["signs"]
    assert pools(second)


def test_binary_perceptron() -> None:
    torch.manual_seed(0)
    model = randomise(
        nn.Sequential(
            nn.Flatten(),
            nn.Linear(5 * 7, 70),
            nn.BatchNorm1d(70),
            BinaryLinear(70, 129),
            nn.BatchNorm1d(129),
            nn.Hardtanh(),
            nn.Dropout(0.3),
            BinaryLinear(129, 64, weight_binarizer=MeanAbsScale()),
            nn.BatchNorm1d(64),
            BinaryLinear(64, 10),
            nn.BatchNorm1d(10),
        )
    )
    result = assert_same_answers(model, (5, 7, 1), 16)
    _assert_nodes_agree(result, (5, 7, 1))
    assert op_names(result) == ["real_conv", "binary_conv", "binary_conv", "binary_conv"]
    assert [kinds(node) for node in result.graph.nodes] == [["signs"]] * 3 + [["real"]]


def test_binary_linear_layer_on_a_flattened_map() -> None:
    torch.manual_seed(0)
    model = randomise(
        nn.Sequential(
            nn.Conv2d(3, 10, 3),
            nn.BatchNorm2d(10),
            nn.MaxPool2d(2),
            nn.Flatten(),
            BinaryLinear(10 * 3 * 3, 33),
            nn.BatchNorm1d(33),
            nn.PReLU(),
            nn.Linear(33, 4),
        )
    )
    result = assert_same_answers(model, (8, 8, 3))
    _assert_nodes_agree(result, (8, 8, 3))
    binary = next(node for node in result.graph.nodes if node.op == "binary_conv")
    assert binary["kernel"] == (3, 3)
    # The sign moved before the pool, which pools bits.
    pool = next(node for node in result.graph.nodes if node.op == "max_pool")
    assert kinds(pool) == ["signs"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "groups"),
    [
        (3, 2, 1, 1, 3),
        (3, 1, 2, 2, 1),
        ((1, 5), (1, 2), (0, 3), 1, 2),
        (1, 1, 0, 1, 6),
        (5, 3, 4, 1, 1),
    ],
)
def test_geometry_of_binary_convolutions(
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int],
    padding: int | tuple[int, int],
    dilation: int,
    groups: int,
) -> None:
    torch.manual_seed(0)
    conv = BinaryConv2d(42, 18, kernel, stride, padding, dilation, groups, weight_binarizer=WSD(18))
    model = randomise(
        nn.Sequential(nn.Conv2d(3, 42, 3), conv, nn.BatchNorm2d(18), BinaryConv2d(18, 5, 1))
    )
    result = assert_same_answers(model, (11, 10, 3))
    _assert_nodes_agree(result, (11, 10, 3))


class SharedSigns(nn.Module):
    """Two convolutions of different groups read the same signs; ASD on a vector too."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3)
        self.sign = ASD(16)
        self.left = BinaryConv2d(16, 16, 3, groups=2, activation_binarizer=RealActivation())
        self.right = BinaryConv2d(16, 16, 3, groups=4, activation_binarizer=RealActivation())
        self.norm = nn.BatchNorm2d(16)
        self.hidden = BinaryLinear(16, 24, activation_binarizer=ASD(16))
        self.head = nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Tensor:
        signs = self.sign(self.stem(x)).signs
        x = self.norm(self.left(signs)) + self.right(signs)
        y: Tensor = self.head(torch.sigmoid(self.hidden(x.mean((2, 3)))))
        return y


def test_shared_signs_and_shifted_vectors() -> None:
    torch.manual_seed(0)
    result = assert_same_answers(randomise(SharedSigns()), (9, 9, 3))
    _assert_nodes_agree(result, (9, 9, 3))
    inputs = [node.inputs[0] for node in result.graph.nodes if node.op == "binary_conv"]
    assert len(set(inputs)) == 3


def test_a_network_without_binary_layers() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 3)
    )
    assert_same_answers(randomise(model), (4, 4, 1))


def test_signs_of_pixels() -> None:
    torch.manual_seed(0)
    model = randomise(nn.Sequential(BinaryConv2d(3, 9, 3, padding=1), nn.BatchNorm2d(9)))
    result = assert_same_answers(model, (6, 6, 3))
    _assert_nodes_agree(result, (6, 6, 3))
    assert op_names(result) == ["identity", "binary_conv"]
