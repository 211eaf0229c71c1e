"""What is left of a network without its classifier, for every architecture."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from signbit import models
from signbit.errors import RecipeError
from signbit.methods import get
from signbit.selfsup import build_backbone

WIDTHS = {
    "binary-densenet28": 576,
    "binary-densenet28-cifar": 576,
    "binary-vit": 192,
    "bnext-tiny": 1024,
    "bnext-tiny-cifar": 1024,
    "digits": 1024,
    "keywords": 1024,
    "meliusnet22": 512,
    "meliusnet22-cifar": 512,
    "mixer": 256,
    "pokebnn": 2048,
    "pokebnn-cifar": 2048,
    "quicknet": 512,
    "quicknet-cifar": 512,
    "quicknet-large": 512,
    "quicknet-small": 512,
    "reactnet-a": 1024,
    "real-to-binary-resnet18": 512,
    "real-to-binary-resnet18-cifar": 512,
    "resnet-e18": 512,
    "resnet-e18-cifar": 512,
    "resnet18": 512,
    "resnet18-norm": 512,
    "resnet18-cifar": 512,
    "resnet18-cifar-blocks": 512,
    "resnet20": 64,
    "resnet20-x2": 128,
    "resnet20-x3": 192,
    "resnet20-x4": 256,
    **dict.fromkeys(("larq-quicknet", "larq-quicknet-large", "larq-quicknet-small"), 512),
    "larq-resnet-e18": 512,
    "resnet34": 512,
    "vgg-small": 8192,
    "real-mobilenet-cifar": 256,
    "real-resnet18": 512,
    "real-resnet20": 64,
    "real-resnet20-half": 32,
    "real-resnet20-quarter": 16,
    "real-resnet20-x2": 128,
    "real-resnet32": 64,
    "real-resnet34": 512,
    "real-resnet44": 64,
    "real-resnet50": 2048,
    "real-resnet56": 64,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", models.names())
def test_width_size_and_names(name: str) -> None:
    method = get("real" if models.is_real(name) else "reactnet")
    with torch.device("meta"):
        backbone = build_backbone(name, method, channels=3)
        whole = models.build(name, method, classes=10, channels=3)
    assert (backbone.width, backbone.channels) == (WIDTHS[name], 3)
    assert backbone.input_size == whole.input_size
    dropped = {*whole.state_dict()} - {*backbone.network.state_dict()}
    assert not {*backbone.network.state_dict()} - {*whole.state_dict()}
    last = {"classifier"}
    if isinstance(getattr(whole, "norm", None), nn.BatchNorm1d):
        last.add("norm")
    if models.is_real(name):
        is_small_resnet = whole.input_size == (32, 32) and "resnet" in name
        last = {"linear"} if is_small_resnet else {"fc"}
    assert {key.split(".")[0] for key in dropped} == last
    pixels = torch.empty(2, 3, *backbone.input_size, device="meta")
    assert backbone(pixels).shape == (2, WIDTHS[name])


def test_features_are_what_the_classifier_gets() -> None:
    torch.manual_seed(3)
    whole = models.build("resnet20", get("sdbnn"), classes=10, channels=3).eval()
    backbone = build_backbone("resnet20", get("sdbnn")).eval()
    state = {k: v for k, v in whole.state_dict().items() if k in backbone.network.state_dict()}
    backbone.network.load_state_dict(state)
    seen = []
    whole.norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    pixels = torch.randn(2, 3, 32, 32)
    whole(pixels)
    assert torch.equal(backbone(pixels), seen[0])


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(RecipeError, match="unknown model 'resnet21'; choose one of"):
        build_backbone("resnet21", get("bnn"))
