"""The published networks by name. docs/importing.md shows how another one is added."""

from __future__ import annotations

from functools import partial

from signbit.errors import InputError
from signbit.exchange.onnx.reading import read_onnx
from signbit.exchange.published.bnn_pynq import FINN_PIXELS, read_bnn_pynq
from signbit.exchange.published.keras import KerasLayers
from signbit.exchange.published.layout import Published, PublishedGraph

__all__ = ["get", "names", "register"]

_CIFAR10 = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

_DIGITS = tuple("0123456789")


def _akamaster(depth: int) -> Published:
    return Published(
        source=f"akamaster/pytorch_resnet_cifar10, ResNet-{depth}",
        recipe="real-resnet20-cifar10",
        overrides=(f"network=real-resnet{depth}",),
        class_names=_CIFAR10,
    )


def _torchvision(depth: int) -> Published:
    return Published(
        source=f"torchvision, resnet{depth} (IMAGENET1K_V1)",
        recipe="real-resnet18-imagenet",
        overrides=(f"network=real-resnet{depth}",),
    )


def _adabin_resnet20() -> Published:
    units = {
        f"stage{stage}.{unit}.{ours}": f"layer{stage}.{unit // 2}.{theirs}{unit % 2 + 1}"
        for stage in (1, 2, 3)
        for unit in range(6)
        for ours, theirs in (("conv", "conv"), ("norm", "bn"), ("nonlinearity", "nonlinear"))
    }
    return Published(
        source="huawei-noah/Efficient-Computing, AdaBin ResNet-20 (1/1)",
        recipe="adabin-resnet20-cifar10",
        class_names=_CIFAR10,
        modules={
            "stem.0": "conv1",
            "stem.1": "bn1",
            "stem.2": "nonlinear1",
            "norm": "bn2",
            "classifier": "linear",
            **units,
        },
        parameters={
            "activation_binarizer.alpha": "binary_a.alpha_a",
            "activation_binarizer.beta": "binary_a.beta_a",
            "positive": "pos_scale",
            "negative": "neg_scale",
        },
    )


def _cnv() -> PublishedGraph:
    return PublishedGraph(
        source="Xilinx/BNN-PYNQ, cnvW1A1 of CIFAR-10",
        read=partial(
            read_bnn_pynq, side=32, channels=3, pixels=FINN_PIXELS, pooled=("conv2", "conv4")
        ),
        data="hub:uoft-cs/cifar10",
        class_names=_CIFAR10,
    )


def _lfc() -> PublishedGraph:
    return PublishedGraph(
        source="Xilinx/BNN-PYNQ, lfcW1A1 of MNIST",
        read=partial(read_bnn_pynq, side=28, channels=1, pixels=None),
        data="hub:ylecun/mnist",
        class_names=_DIGITS,
    )


def _tfc() -> PublishedGraph:
    return PublishedGraph(
        source="fastmachinelearning/qonnx_model_zoo, TFC-W1A1 of MNIST",
        read=read_onnx,
        data="hub:ylecun/mnist",
        class_names=_DIGITS,
    )


def _quicknet(size: str) -> Published:
    return Published(
        source=f"larq/zoo, QuickNet{size.replace('-', ' ')} (Keras)",
        recipe=f"quicknet{size}-imagenet",
        overrides=(f"network=larq-quicknet{size}",),
        keras=KerasLayers(
            conv="quant_conv2d",
            depthwise="quant_depthwise_conv2d",
            linear="quant_dense",
            epsilons={"stem": 1e-3},
        ),
    )


def _resnet_e18() -> Published:
    return Published(
        source="larq/zoo, BinaryResNetE18 (Keras)",
        recipe="resnet-e18-imagenet",
        overrides=("network=larq-resnet-e18",),
        keras=KerasLayers(conv="conv2d", depthwise="depthwise_conv2d", linear="dense"),
    )


_table: dict[str, Published | PublishedGraph] = {
    "adabin-resnet20": _adabin_resnet20(),
    "cnv-w1a1-cifar10": _cnv(),
    **{f"larq-quicknet{size}": _quicknet(size) for size in ("", "-large", "-small")},
    "larq-resnet-e18": _resnet_e18(),
    "lfc-w1a1-mnist": _lfc(),
    "tfc-w1a1-mnist": _tfc(),
    **{f"real-resnet{depth}": _akamaster(depth) for depth in (20, 32, 44, 56)},
    **{f"real-resnet{depth}": _torchvision(depth) for depth in (18, 34, 50)},
}


def names() -> list[str]:
    """Names that `get` knows, sorted."""
    return sorted(_table)


def register(name: str, entry: Published | PublishedGraph) -> None:
    """Make `import_network`, and so `signbit import`, know a network of one's own by `name`.

    Raises InputError where the name is taken.
    """
    if name in _table:
        raise InputError(f"published network {name!r} is registered already; choose another name")
    _table[name] = entry


def get(name: str) -> Published | PublishedGraph:
    """The published network of this name. Raises InputError for an unknown one, with all names."""
    if name not in _table:
        raise InputError(f"no published network {name!r}; choose one of {', '.join(names())}")
    return _table[name]
