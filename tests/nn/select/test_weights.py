"""What a weight binarizer returned decides, not what its class promises."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.nn.select.common import (
    RETURNED,
    Returns,
    assert_as_reference,
    block,
    conv,
    images,
    reasons,
)

from signbit.nn.binarizers import BinaryWeight
from signbit.nn.estimators import sign


@pytest.mark.parametrize("name", RETURNED)
@pytest.mark.parametrize("around", [lambda layer: layer, block])
def test_what_a_weight_binarizer_returned_decides(name: str, around: Any) -> None:
    module = around(conv(weight_binarizer=Returns(RETURNED[name])))
    taken = [reason is None for reason in reasons(module, images())]
    assert taken[-1] == (name == "offset")  # the convolution knows an offset, a unit does not
    assert not any(taken[:-1])
    assert_as_reference(module, images())
    if name == "offset":  # training and evaluation compute the same
        layer = conv(weight_binarizer=Returns(RETURNED[name]))
        x = images()
        torch.testing.assert_close(layer.train()(x), layer.eval()(x))


def test_a_learned_scale_gets_its_gradient_in_a_block() -> None:
    layer = conv()
    layer.weight_binarizer = Returns(
        lambda w: BinaryWeight(sign(w, "clip"), layer.weight_binarizer.scale)
    )
    block(layer)(images()).square().sum().backward()
    assert layer.weight_binarizer.scale.grad is not None
    assert layer.weight_binarizer.calls == 1  # binarized once, whichever way it goes


def test_every_call_binarizes_once() -> None:
    for make in RETURNED.values():
        layer = conv(weight_binarizer=Returns(make))
        block(layer)(images())
        assert layer.weight_binarizer.calls == 1
