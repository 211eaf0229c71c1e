"""Wrappers around a model and around its parts are taken off, in any order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.compiler.nets import compiled
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from signbit.compiler.exporting.wrappers import unwrapped
from signbit.errors import CompileError

SIZE = (8, 8, 3)

WRAPPERS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "averaged": AveragedModel,
    "parallel": nn.DataParallel,
    "compiled": lambda model: _compiled_once(model),
    "a sequence": nn.Sequential,
}


def _compiled_once(model: nn.Module) -> nn.Module:
    """Of a model that is compiled three times torch makes a function, which is no module."""
    return model if hasattr(model, "_orig_mod") else torch.compile(model, backend="eager")


def _net() -> nn.Sequential:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))


def _wrapped(model: nn.Module, names: list[str]) -> nn.Module:
    for name in names:
        model = WRAPPERS[name](model)
    return model


@settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=30,
    phases=[Phase.explicit, Phase.generate],
)
@given(
    around=st.lists(st.sampled_from([*WRAPPERS]), max_size=3),
    inside=st.lists(st.sampled_from([*WRAPPERS]), max_size=3),
)
def test_wrappers_are_taken_off_in_any_order(around: list[str], inside: list[str]) -> None:
    model = _net()
    model[0] = _wrapped(model[0], inside)
    model = _wrapped(model, around).eval()
    before = [name for name, _ in model.named_modules()]
    bare = unwrapped(model)
    kinds = {type(module) for module in bare.modules()}
    assert kinds == {nn.Sequential, nn.Conv2d, nn.ReLU, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Linear}
    assert [name for name, _ in model.named_modules()] == before
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(bare(x), _net()(x), rtol=0, atol=0)


def test_a_model_without_wrappers_is_itself() -> None:
    shared = nn.ReLU()
    model = nn.Sequential(shared, nn.Sequential(shared), nn.Identity())
    assert unwrapped(model) is model
    wrapped = unwrapped(nn.Sequential(shared, nn.DataParallel(shared)))
    assert wrapped[0] is wrapped[1] is shared


@pytest.mark.parametrize("names", [["averaged", "parallel", "compiled"], ["compiled", "averaged"]])
def test_a_wrapped_model_compiles_to_the_same_file(names: list[str]) -> None:
    model = _net().eval()
    expected = compiled(model, SIZE).data
    assert compiled(_wrapped(model, names).eval(), SIZE).data == expected


def test_paths_are_those_of_the_model_inside() -> None:
    model = nn.Sequential(nn.DataParallel(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Mish()))).eval()
    with pytest.raises(CompileError) as caught:
        compiled(AveragedModel(model).eval(), SIZE)
    assert [refusal.where for refusal in caught.value.refusals] == ["0.1"]


class Around(nn.Module):
    """A wrapper of a user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.net = _net()

    def forward(self, *args: Tensor, **kwargs: object) -> Tensor:
        y: Tensor = self.net(*args, **kwargs)
        return y


def test_a_forward_of_any_arguments_compiles() -> None:
    assert len(compiled(Around().eval(), SIZE).graph.nodes) > 0
