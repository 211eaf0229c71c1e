"""The binary vision transformer: what is of signs, and how attention mixes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.compiler.every_way import assert_exact
from tests.compiler.nets import randomise
from tests.compiler.small import randomise_latents, randomise_vectors
from tests.targets.c.compiled import check
from tests.thorough import sample
from torch import nn

from signbit import methods
from signbit.errors import InputError
from signbit.models.vit import Attention, BinaryViT
from signbit.nn.binarizers import AdaptiveActivation, MeanAbsMap, RSign
from signbit.nn.binarizers.activations import BinaryActivation
from signbit.nn.layers import BinaryConv2d


def test_all_but_both_ends_is_binary() -> None:
    model = BinaryViT(methods.get("reactnet"), classes=10, channels=3)
    real = [path for path, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert real == ["embed", "classifier"]
    binary = [m for m in model.modules() if isinstance(m, BinaryConv2d)]
    assert len(binary) == 8 * 6
    assert sum(m.weight.numel() for m in binary) == 8 * (4 * 192**2 + 2 * 4 * 192**2)


def test_attention_mixes_signs_by_the_likeness_of_signs() -> None:
    torch.manual_seed(0)
    layer = Attention(methods.get("combined", activations="sign", nonlinearity="none"), 6, 2)
    layer.eval()
    x = torch.randn(2, 6, 2, 2)
    seen: list[torch.Tensor] = []
    layer.norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    layer(x)
    q, k, v = (torch.where(project(x) < 0, -1.0, 1.0).flatten(2) for project in layer.projections)
    expected = torch.empty(2, 4, 6)
    for image in range(2):
        for head in (slice(0, 3), slice(3, 6)):
            scores = torch.einsum("ct,cs->ts", q[image, head], k[image, head]) / 3**0.5
            weights = scores.exp() / scores.exp().sum(1, keepdim=True)
            expected[image, :, head] = weights @ v[image, head].T
    torch.testing.assert_close(seen[0], expected)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(InputError, match="heads=5 must divide width=192"):
        BinaryViT(methods.get("reactnet"), classes=10, channels=3, heads=5)


def test_the_values_of_a_binarized_input_are_what_a_layer_computes_with() -> None:
    x = torch.tensor([[[[-2.0, 1.0]], [[0.5, -1.0]]]])
    signs = torch.tensor([[[[-1.0, 1.0]], [[1.0, -1.0]]]])
    assert torch.equal(RSign(2)(x).values(), signs)
    adaptive = AdaptiveActivation()
    with torch.no_grad():
        adaptive.alpha.fill_(2)
        adaptive.beta.fill_(0.25)
    assert torch.equal(adaptive(x).values(), 2 * (signs + 0.25))
    assert torch.equal(MeanAbsMap()(x).values(), signs * torch.tensor([1.25, 1.0]))
    two = BinaryActivation(signs, torch.tensor(0.5), more=((-signs, torch.tensor(0.25)),))
    assert torch.equal(two.values(), 0.25 * signs)


METHODS = [name for name in methods.names() if name != "real"]


@pytest.mark.slow
@pytest.mark.parametrize("method", sample(METHODS, "adabin", "xnor"))
def test_the_file_is_exact_by_any_method(method: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = BinaryViT(methods.get(method), classes=5, channels=3, width=12, heads=3, layers=1)
    randomise_latents(model)
    randomise_vectors(model)
    compiled = assert_exact(randomise(model), (32, 32, 3), end_to_end=False)
    if method == "adabin":
        check(compiled.data, tmp_path)
