"""The published networks by name. docs/importing.md shows how another one is added."""

from __future__ import annotations

from signbit.errors import InputError
from signbit.exchange.published.layout import Published

__all__ = ["get", "names"]

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


_table = {
    "adabin-resnet20": _adabin_resnet20(),
    **{f"real-resnet{depth}": _akamaster(depth) for depth in (20, 32, 44, 56)},
    **{f"real-resnet{depth}": _torchvision(depth) for depth in (18, 34, 50)},
}


def names() -> list[str]:
    """Names that `get` knows, sorted."""
    return sorted(_table)


def get(name: str) -> Published:
    """The published network of this name. Raises InputError for an unknown one, with all names."""
    if name not in _table:
        raise InputError(f"no published network {name!r}; choose one of {', '.join(names())}")
    return _table[name]
