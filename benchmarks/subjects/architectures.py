"""The architectures of signbit.models as tables have them, beside their authors' figures.

Weights are random; the normalisations' statistics are those of a batch of real images.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from signbit import models, recipes
from signbit.compiler import Compiled, compile_model
from signbit.data import open_dataset
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.methods import Method, get
from signbit.models.unet import UNet
from signbit.models.yolo import TinyYolo
from signbit.nn.layers import BinaryConv1d, BinaryConv2d, BinaryLinear
from signbit.training.networks import make_method
from signbit.training.recipe.parsing import single_runs
from subjects.random_weights import calibrate, randomise

__all__ = [
    "CALIBRATION",
    "ELSEWHERE",
    "NETWORKS",
    "PAPERS",
    "Paper",
    "Real",
    "Subject",
    "binary",
    "compiled",
    "real_images",
    "real_twin",
]

CALIBRATION = 8
"""Images that statistics are taken from."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Subject(NamedTuple):
    """A network with its method, and the images it is for."""

    recipe: str | None
    """Whose method it has; None: ReActNet's."""
    side: int
    classes: int
    channels: int = 3


NETWORKS = {
    "binary-densenet28": Subject("binary-densenet28-imagenet", 224, 1000),
    "binary-densenet28-cifar": Subject("binary-densenet28-cifar10", 32, 10),
    "binary-vit": Subject("binary-vit-cifar10", 32, 10),
    "bnext-tiny": Subject("bnext-tiny-imagenet", 224, 1000),
    "bnext-tiny-cifar": Subject("bnext-tiny-cifar10", 32, 10),
    "digits": Subject("bnn-digits", 8, 10, 1),
    "keywords": Subject("keywords", 32, 12, 1),
    "meliusnet22": Subject("meliusnet22-imagenet", 224, 1000),
    "meliusnet22-cifar": Subject("meliusnet22-cifar10", 32, 10),
    "mixer": Subject("mixer-cifar10", 32, 10),
    "pokebnn": Subject("pokebnn-imagenet", 224, 1000),
    "pokebnn-cifar": Subject("pokebnn-cifar10", 32, 10),
    "quicknet": Subject("quicknet-imagenet", 224, 1000),
    "quicknet-cifar": Subject("quicknet-cifar10", 32, 10),
    "quicknet-large": Subject("quicknet-large-imagenet", 224, 1000),
    "quicknet-small": Subject("quicknet-small-imagenet", 224, 1000),
    "reactnet-a": Subject("reactnet-a-imagenet", 224, 1000),
    "real-to-binary-resnet18": Subject("real-to-binary-resnet18-imagenet", 224, 1000),
    "real-to-binary-resnet18-cifar": Subject("real-to-binary-resnet18-cifar10", 32, 10),
    "resnet-e18": Subject("resnet-e18-imagenet", 224, 1000),
    "resnet-e18-cifar": Subject("resnet-e18-cifar10", 32, 10),
    "resnet18": Subject("bireal-resnet18-imagenet", 224, 1000),
    "resnet18-cifar": Subject("bireal-resnet18-cifar10", 32, 10),
    "resnet20": Subject("sdbnn-resnet20-cifar10", 32, 10),
    "resnet34": Subject("bireal-resnet34-imagenet", 224, 1000),
    "tiny-yolo": Subject(None, 416, 20),
    "unet": Subject(None, 64, 10),
    "vgg-small": Subject("bnn-vgg-small-cifar10", 32, 10),
}

ELSEWHERE = {
    "larq-quicknet": "quicknet with TensorFlow's padding",
    "larq-quicknet-large": "quicknet-large with TensorFlow's padding",
    "larq-quicknet-small": "quicknet-small with TensorFlow's padding",
    "larq-resnet-e18": "resnet-e18 with TensorFlow's padding",
    "resnet18-cifar-blocks": "resnet18-cifar with its layers in another order",
    "resnet18-norm": "resnet18 with a normalisation before the classifier",
    "resnet20-x2": "resnet20 with twice the channels",
    "resnet20-x3": "resnet20 with three times the channels",
    "resnet20-x4": "resnet20 with four times the channels",
}
"""Registered networks that the table leaves out, and why."""


class Paper(NamedTuple):
    """What the authors say, or their code: None where they do not."""

    parameters: int
    """Statistics of normalisations included, as Keras counts them."""
    binary: int
    """Weights of one bit."""
    bops: int
    flops: int
    bytes: int | None = None
    """Larq Zoo's memory of the converted network."""


PAPERS = {
    "quicknet": Paper(13_243_720, 12_533_760, 1_849_688_064, 29_651_712, 4_368_032),
    "quicknet-small": Paper(12_664_344, 11_980_800, 1_156_055_040, 15_941_120, 4_197_152),
    "quicknet-large": Paper(23_359_304, 22_634_496, 3_699_376_128, 29_651_712, 5_660_320),
    "resnet-e18": Paper(11_699_368, 10_985_472, 1_676_279_808, 137_793_536, 4_189_856),
    "resnet-e18-cifar": Paper(11_183_306, 10_985_472, 547_356_672, 8_066_048),
    "binary-densenet28": Paper(5_150_504, 4_202_496, 3_587_383_296, 202_484_224, 4_241_312),
    "binary-densenet28-cifar": Paper(4_571_338, 4_202_496, 1_171_390_464, 29_169_280),
    "meliusnet22": Paper(6_969_672, 6_119_424, 4_624_220_160, 136_388_608, 4_065_568),
    "real-to-binary-resnet18": Paper(11_995_624, 10_985_472, 1_676_279_808, 138_087_936, 5_378_976),
}
"""Those of Larq Zoo 2.4.0 (larq 0.14.0, TensorFlow 2.15.1): `count_params()`, and the weights and
multiply-adds in one bit and in 32 of `larq.models.ModelProfile`. The forms for 32x32 images that
are not here are ours: there Larq Zoo's stems halve the image."""


class Real(NamedTuple):
    """Images of one network's size."""

    images: npt.NDArray[np.uint8]
    """(N, H, W, C)"""
    norm: Preprocessing

    def normalised(self) -> npt.NDArray[np.float32]:
        """What the network sees: (N, C, H, W)."""
        values = (self.images / 255 - np.array(self.norm.mean)) / np.array(self.norm.std)
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32)


def real_images(name: str, cifar: str, imagenet: str, count: int = 100) -> Real:
    """At most `count` images of the network's size: digits, CIFAR-10's, or photographs."""
    subject = NETWORKS[name]
    size = (subject.side, subject.side, subject.channels)
    mean, std = ((0.5,), (0.25,)) if subject.channels == 1 else (MEAN, STD)
    source = {8: ("digits", "test"), 32: (cifar, "test")}.get(subject.side, (imagenet, "train"))
    dataset = open_dataset(*source)
    dataset = dataset.take(np.arange(min(count, len(dataset))))
    norm = Preprocessing(size, mean, std, subject.side)
    return Real(norm.fit(dataset, workers=0).images, norm)


def compiled(name: str, real: Real) -> Compiled:
    """The network with statistics of the first images."""
    inputs = torch.from_numpy(real.normalised()[:CALIBRATION])
    return compile_model(
        binary(name, inputs),
        input_size=real.norm.input_size,
        mean=real.norm.mean,
        std=real.norm.std,
    )


def binary(name: str, images: Tensor, seed: int = 0) -> nn.Module:
    """The network of NETWORKS in evaluation mode, its statistics those of normalised images."""
    recipe = NETWORKS[name].recipe
    if recipe is None:
        return _ready(name, get("reactnet"), images, seed)
    *_, last = single_runs(recipes.load(recipe))
    return _ready(name, make_method(last.method), images, seed)


def real_twin(name: str, images: Tensor, seed: int = 0) -> nn.Module:
    """The real-valued network of the same shape: no signs, and a ReLU as its non-linearity.

    Its layers are PyTorch's own, so that any exporter knows them.
    """
    model = _ready(name, get("real"), images, seed)
    for path, module in list(model.named_modules()):
        if isinstance(module, BinaryConv2d | BinaryLinear):
            model.set_submodule(path, _real_layer(module))
    return model


def _ready(name: str, method: Method, images: Tensor, seed: int) -> nn.Module:
    subject = NETWORKS[name]
    sizes = {"classes": subject.classes, "channels": subject.channels}
    own = {"tiny-yolo": TinyYolo, "unet": UNet}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name in own:
            model: nn.Module = own[name](method, **sizes)
        else:
            model = models.build(name, method, **sizes)
        randomise(model)
        with torch.no_grad():
            calibrate(model, images)
    return model.eval()


def _real_layer(layer: BinaryConv2d | BinaryLinear) -> nn.Module:
    """PyTorch's layer with the same weights."""
    if isinstance(layer, BinaryLinear):
        real: nn.Module = nn.Linear(layer.in_features, layer.out_features, bias=False)
        weight = layer.weight
    elif isinstance(layer, BinaryConv1d):
        sides = (each[1] for each in (layer.kernel_size, layer.stride, layer.padding))
        shape = (layer.in_channels, layer.out_channels, *sides)
        real = nn.Conv1d(*shape, dilation=layer.dilation[1], groups=layer.groups, bias=False)
        weight = layer.weight.squeeze(2)
    else:
        geometry = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups)
        real = nn.Conv2d(layer.in_channels, layer.out_channels, *geometry, bias=False)
        weight = layer.weight
    real.load_state_dict({"weight": weight})
    return real.eval()
