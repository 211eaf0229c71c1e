"""Pads in front of every kind of layer, against PyTorch and on every instruction set."""

from __future__ import annotations

import re

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import (
    Function,
    before_signs,
    few_fast,
    of_reals,
    of_signs,
)
from tests.compiler.nets import compiled, op_names
from torch import Tensor

from signbit.errors import CompileError

SIZE = (5, 6, 3)
C = 4

WEIGHTS = torch.linspace(-1, 1, 6 * C * 6).reshape(6, C, 2, 3)
SCALE = torch.tensor([0.5, -1.0, 2.0, 0.0]).reshape(C, 1, 1)


def conv(x: Tensor, padding: int = 0) -> Tensor:
    return F.conv2d(x, WEIGHTS, padding=padding)


ABSORBED: dict[str, tuple[Function, list[str]]] = {
    "zeros": (lambda x: conv(F.pad(x, (1, 2, 0, 3))), ["real_conv"]),
    "a value": (lambda x: conv(F.pad(x, (1, 0), value=0.3)), ["real_conv"]),
    "zeros around zeros": (lambda x: conv(F.pad(x, (1, 0)), 1), ["real_conv"]),
    "a pad of a pad": (
        lambda x: conv(F.pad(F.pad(x, (1, 0), value=2), (0, 3), value=2)),
        ["real_conv"],
    ),
    "maths behind": (lambda x: conv(F.relu(F.pad(x, (1, 1, 2, 0)) * SCALE - 0.3)), ["real_conv"]),
    "even kernel, same": (lambda x: F.conv2d(x, WEIGHTS, padding="same"), ["real_conv"]),
    "even kernel, same, dilated": (
        lambda x: F.conv2d(x, WEIGHTS, padding="same", dilation=(3, 1)),
        ["real_conv"],
    ),
    "zeros, max pool of relu": (
        lambda x: F.max_pool2d(F.pad(F.relu(x), (1, 1, 0, 1)), 3, 2),
        ["max_pool"],
    ),
    "relu between": (
        lambda x: F.max_pool2d(F.relu(F.pad(x, (1, 1, 0, 1), value=-3)), 3, 2, 1),
        ["max_pool"],
    ),
    "-inf": (lambda x: F.max_pool2d(F.pad(x, (1, 1, 0, 1), value=-torch.inf), 3, 2), ["max_pool"]),
    "largest": (lambda x: F.adaptive_max_pool2d(F.pad(x.sigmoid(), (3, 3)), 1), ["global_max"]),
    "average": (lambda x: F.avg_pool2d(F.pad(x, (1, 0, 1, 0)), 3, 2, ceil_mode=True), ["avg_pool"]),
    "average, padded": (lambda x: F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 4, 2, 1), ["avg_pool"]),
}


@pytest.mark.parametrize("name", few_fast(ABSORBED))
def test_what_reads_it_pads(name: str) -> None:
    function, ops = ABSORBED[name]
    result = assert_exact(of_reals(C, function), SIZE)
    assert op_names(result) == ["real_conv", *ops]


COMPUTED: dict[str, Function] = {
    "zeros": lambda x: F.pad(x, (1, 2, 0, 3)),
    "ones": lambda x: F.pad(x, (1, 2, 0, 3), value=1),
    "ones around zeros": lambda x: conv(F.pad(F.pad(x, (1, 2)), (1, 2), value=1)),
    "ones in zeros": lambda x: conv(F.pad(x, (1, 2), value=1), 1),
    "large in a maximum": lambda x: F.max_pool2d(F.pad(x, (1, 0, 1, 0), value=0.2), 2),
    "windows outside": lambda x: F.max_pool2d(F.pad(F.relu(x), (3, 0, 3, 0)), 2),
    "last window outside": lambda x: F.max_pool2d(F.pad(F.relu(x), (1, 1, 0, 1)), 3, 2, 1, 1, True),
    "ceil, pixels behind": lambda x: F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 3, 2, ceil_mode=True),
    "uncounted": lambda x: F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 4, 2, 1, False, False),
    "ones in a mean": lambda x: F.avg_pool2d(F.pad(x, (0, 1, 0, 1), value=1), 3),
    "mean": lambda x: F.pad(x, (1, 1, 1, 1), value=2).mean((2, 3)),
    "sum": lambda x: F.pad(x, (0, 1)) + F.pad(x * 2, (1, 0), value=-1),
    "read twice": lambda x: F.pad(x, (0, 1)) * F.pad(x, (0, 1)),
    "pixels and channels": lambda x: F.pad(x, (0, 1, 2, 0, 3, 1)),
    "flattened": lambda x: F.linear(
        F.pad(x, (0, 1, 0, 0), value=2).flatten(1), torch.linspace(-1, 1, 3 * C * 35).reshape(3, -1)
    ),
    "upsampled": lambda x: F.interpolate(F.pad(x, (0, 1)), scale_factor=2),
    "joined": lambda x: torch.cat((F.pad(x, (0, 1)), F.pad(x, (1, 0), value=2)), 1),
}


@pytest.mark.parametrize("name", few_fast(COMPUTED))
def test_otherwise_a_node_pads(name: str) -> None:
    assert_exact(of_reals(C, COMPUTED[name]), SIZE)


BEFORE_SIGNS: dict[str, Function] = {
    "zeros": lambda x: F.pad(x, (1, 2, 0, 3)),
    "a value": lambda x: F.pad(x, (1, 2, 0, 3), value=-0.3),
    "maths behind, signs apart": lambda x: F.pad(x, (1, 1)) * SCALE - 0.3,
    "maths behind": lambda x: F.hardtanh(F.pad(x, (1, 0, 0, 2), value=-0.7) * 2 - 0.3),
    "pool": lambda x: F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2),
    "sums": lambda x: F.pad(x, (1, 1, 1, 1)) + F.pad(x, (1, 1, 1, 1), value=-1),
}


@pytest.mark.parametrize("name", few_fast(BEFORE_SIGNS))
@pytest.mark.parametrize("padding", [0, 1])
def test_in_front_of_signs(name: str, padding: int) -> None:
    model = before_signs(C, BEFORE_SIGNS[name], SIZE[:2], padding)
    assert_exact(model, SIZE, end_to_end=False)


OF_SIGNS: dict[str, Function] = {
    "plus": lambda x: F.pad(x, (1, 2, 0, 3), value=1),
    "minus": lambda x: F.pad(x, (1, 2, 0, 3), value=-1),
    "both": lambda x: F.pad(F.pad(x, (1, 0), value=-1), (0, 1), value=1),
    "twice": lambda x: F.pad(F.pad(x, (1, 0), value=-1), (0, 1), value=-1),
    "minus in a maximum": lambda x: F.max_pool2d(F.pad(x, (1, 1, 1, 1), value=-1), 3, 2),
    "plus in a maximum": lambda x: F.max_pool2d(F.pad(x, (1, 1, 1, 1), value=1), 3, 2),
    "joined": lambda x: torch.cat((F.pad(x, (1, 0), value=-1), F.pad(x, (0, 1), value=1)), 1),
}


@pytest.mark.parametrize("name", few_fast(OF_SIGNS))
@pytest.mark.parametrize("padding", [0, 1])
def test_of_signs(name: str, padding: int) -> None:
    model = of_signs(C, OF_SIGNS[name], SIZE[:2], padding)
    result = assert_exact(model, SIZE, end_to_end=False)
    assert "binary_conv" in op_names(result)
    if padding == 0 and name in ("plus", "minus", "twice"):
        assert op_names(result) == ["real_conv", "binary_conv"]


REFUSED: dict[str, tuple[Function, str]] = {
    "reflected channels": (
        lambda x: F.pad(x.flatten(2).mT, (1, 1), mode="reflect"),
        "pads with channels of the map itself",
    ),
    "cropped": (lambda x: F.pad(x, (-1, 1)), "cuts rows, columns or channels off"),
    "one channels": (lambda x: F.pad(x, (0, 0, 0, 0, 1, 0), value=1), "adds channels of 1.0"),
    "infinite": (lambda x: F.pad(x, (0, 1), value=torch.inf), "pads with inf"),
    "-inf in a sum": (lambda x: F.pad(x, (0, 1), value=-torch.inf) * 2, "other than a max pooling"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError, match=re.escape(reason)):
        compiled(of_reals(C, function), SIZE)
