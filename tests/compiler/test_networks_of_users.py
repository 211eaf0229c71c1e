"""Networks as people write them, of every family that was once refused, and what still is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.nets import compiled, randomise
from tests.compiler.networks_of_users import channels, pixels, tokens, values
from tests.compiler.networks_of_users.building import MAP, Networks, of_map, of_tokens
from tests.compiler.small import randomise_latents, randomise_vectors
from tests.runtime.identity import ISAS
from tests.thorough import LONG
from torch import nn

from signbit.errors import CompileError

FAMILIES = (channels, pixels, tokens, values)

NETWORKS: Networks = {name: make for family in FAMILIES for name, make in family.NETWORKS.items()}


def test_every_network_has_a_name_of_its_own() -> None:
    assert len(NETWORKS) == sum(len(family.NETWORKS) for family in FAMILIES) >= 80


@pytest.mark.parametrize("place", range(len(NETWORKS)), ids=[*NETWORKS].__getitem__)
def test_compiles_exactly(place: int) -> None:
    make = [*NETWORKS.values()][place]
    torch.manual_seed(0)
    model: Any = make()
    randomise_vectors(model)
    randomise_latents(model)
    isas = ISAS if LONG else [ISAS[place % len(ISAS)]]
    assert_exact(randomise(model), model.size, end_to_end=False, isas=isas)


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "masked attention": (
        lambda: of_tokens(lambda o, x: F.scaled_dot_product_attention(x, x, x, is_causal=True)),
        "softmax(-1) @ v",
    ),
    "another activation": (lambda: of_map(lambda o, x: F.mish(x)), "hardswish"),
    "the length of a batch": (
        lambda: of_tokens(lambda o, x: x.reshape(len(x), 12, 2, 4).flatten(2)),
        "x.shape[0]",
    ),
    "every second channel": (lambda: of_map(lambda o, x: x[:, ::2], out=4), "in another order"),
    "sums": (lambda: of_map(lambda o, x: x - x.sum((2, 3), True)), "x.mean((2, 3)) * (H * W)"),
    "quotients": (lambda: of_map(lambda o, x: x / (1 + x.abs())), "divides by constants"),
    "a class": (lambda: of_map(lambda o, x: x * x.argmax(1, True)), "the engine's scores"),
    "largest values of uneven parts": (
        lambda: of_map(lambda o, x: F.adaptive_max_pool2d(x, 5)),
        "sizes that divide the map's",
    ),
    "logarithms": (lambda: of_map(lambda o, x: F.log_softmax(x, 1)), "end in softmax"),
    "cropped": (lambda: of_map(lambda o, x: F.pad(x, (-1, -1))), "pad less"),
    "a norm of too much": (lambda: of_map(lambda o, x: x / x.std((2, 3), keepdim=True)), "nn."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_names_the_rewrite(name: str) -> None:
    make, cure = REFUSED[name]
    with pytest.raises(CompileError) as caught:
        compiled(make().eval(), MAP)
    assert cure in str(caught.value).replace("\n     ", "")
