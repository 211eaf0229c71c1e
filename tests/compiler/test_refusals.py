"""All that is refused of a model is told at once, each thing with its place."""

from __future__ import annotations

import pickle
import sys
import warnings

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.nets import compiled
from torch import Tensor, nn

from signbit.compiler import check
from signbit.errors import CompileError, Refusal
from signbit.nn.layers import BinaryConv2d

SIZE = (8, 8, 3)


def _refusals(model: nn.Module) -> tuple[Refusal, ...]:
    with pytest.raises(CompileError) as caught:
        compiled(model, SIZE)
    assert all(len(line) <= 80 for line in str(caught.value).splitlines()[1:])
    return caught.value.refusals


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = BinaryConv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.Mish()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.act(self.norm(self.conv(x)))


class Many(nn.Module):
    """Has a fault of each kind, and values in between that follow from them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.blocks = nn.Sequential(Block(), nn.ReLU(), Block())
        self.last = BinaryConv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (1, 1, 1, 1), value=torch.inf)
        x = self.blocks(self.stem(x))
        x = self.last(torch.sign(x).relu())
        x = x / x.std((2, 3), keepdim=True)
        x = torch.cat((x.cumsum(2).softmax(1), x), 1)
        y: Tensor = x.flatten(1).argmax(1)
        return y


def test_all_refusals_of_a_model_are_told_at_once() -> None:
    model = Many().eval()
    model.blocks[2].norm.train()
    found = [(each.where, each.operation, each.line > 0) for each in _refusals(model)]
    assert found == [
        ("blocks.2.norm", "", False),
        ("the model", "aten.pad", True),
        ("blocks.0.act", "aten.mish", True),
        ("blocks.2.act", "aten.mish", True),
        ("the model", "aten.sign", True),
        ("the model", "aten.std.dim", True),
        ("the model", "aten.cumsum", True),
        ("the model", "aten.argmax", True),
        ("blocks.2.conv", "signbit.binary_conv2d", True),
        ("last", "signbit.binary_conv2d", True),
    ]


class Late(nn.Module):
    """Has faults that show when tracing, in several passes and when lowering."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.Mish()
        self.huge = nn.BatchNorm2d(4)
        with torch.no_grad():
            self.norm.running_var.sub_(3)  # type: ignore[operator, union-attr]
            self.huge.running_var.fill_(1e-30)  # type: ignore[operator, union-attr]
            self.huge.weight.fill_(3e38)
        self.huge.eps = 1e-30
        self.linear = nn.Linear(256, 7)

    def forward(self, x: Tensor) -> Tensor:
        lowest = F.pad(x, (1, 1, 1, 1), value=-torch.inf)
        x = self.act(self.norm(self.stem(x))) + F.avg_pool2d(lowest, 3, 1)[:, :1]
        flat = x.flatten(1)
        scores = flat[:, :7] + self.linear(flat)
        return torch.cat((scores, self.huge(x).mean((2, 3))), 1)


def test_refusals_of_passes_are_told_with_those_of_tracing() -> None:
    found = [(each.where, each.operation) for each in _refusals(Late().eval())]
    assert found == [
        ("norm", "aten.batch_norm"),
        ("act", "aten.mish"),
        ("the model", "aten.pad"),
        ("the model", "aten.slice.Tensor"),
        ("huge", "aten.batch_norm"),
    ]


class Everywhere(nn.Module):
    """Asks for the size of its images, takes signs of pixels, and has a fault beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = BinaryConv2d(3, 4, 3, padding=1)
        self.act = nn.Mish()
        self.conv = nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.stem((x - 0.2).abs() - 0.1))
        x = self.conv(x) * (1 / x.shape[3])
        return x.mean((2, 3))


def test_signs_of_pixels_and_sizes_are_told_with_all_else() -> None:
    model = Everywhere().eval()
    parts = [("act", "non-linearity"), ("stem.activation_binarizer", "sign of pixels that changes")]
    for any_size in (False, True):
        found = check(model, input_size=SIZE, mean=0.5, any_size=any_size)
        sizes = [("the model", "made from the height or width")] if any_size else []
        assert len(found) == len(parts + sizes)
        for where, reason in parts + sizes:
            assert any(each.where == where and reason in each.reason for each in found), found
    with torch.no_grad():
        model.conv.weight.fill_(torch.nan)  # by which PyTorch's values may have no sign
    found = check(model, input_size=SIZE, mean=0.5, any_size=True)
    assert [each.where for each in found] == ["conv.weight", "act", "the model"]


def test_a_place_is_refused_once_for_a_size_and_for_all_sizes() -> None:
    class Folds(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.view(len(x), -1, 8, x.shape[3]).mean((1, 3))

    found = check(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), Folds()).eval(), input_size=SIZE)
    again = check(
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), Folds()).eval(), input_size=SIZE, any_size=True
    )
    assert found
    assert len({each.place for each in again}) == len(again)
    assert set(found) <= set(again)


def test_a_refusal_names_the_line_of_the_model() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), Block()).eval()
    (refusal,) = _refusals(model)
    assert refusal.file == __file__
    assert refusal.code == "return x + self.act(self.norm(self.conv(x)))"
    assert refusal.place == f"1.act (aten.mish) (test_refusals.py, line {refusal.line}: " + (
        f"{refusal.code})"
    )
    assert refusal.reason.endswith("no such non-linearity")
    assert refusal.cure.startswith("it knows relu")


def test_every_parameter_that_is_not_finite_is_named() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Mish(), nn.Conv2d(4, 4, 3)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float("nan"))
    names = [each.where for each in _refusals(model)]
    assert names == ["0.weight", "0.bias", "2.weight", "2.bias", "1"]


def test_the_text_lists_equal_reasons_together() -> None:
    each = [Refusal(f"layers.{k}", "aten.mish", "is unknown", "use relu") for k in range(20)]
    error = CompileError(*each, *each, "mean does not fit", Refusal("a", "", "b " * 60))
    assert str(error).splitlines() == [
        "22 things about this model cannot be compiled:",
        "- layers.0 (aten.mish)",
        *(f"  layers.{k} (aten.mish)" for k in range(1, 12)),
        "  8 others",
        "    is unknown; use relu",
        "- mean does not fit",
        "- a",
        "    " + " ".join("b" * 38),
        "    " + " ".join("b" * 22),
    ]
    assert str(CompileError(each[0])) == "layers.0 (aten.mish): is unknown; use relu"
    again = pickle.loads(pickle.dumps(error))
    assert (again.refusals, str(again)) == (error.refusals, str(error))


@pytest.mark.parametrize("momentum", [0.1, None])
def test_the_module_left_in_training_mode_is_named(momentum: float | None) -> None:
    norm = nn.BatchNorm2d(4, momentum=momentum)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(norm, nn.ReLU())).eval()
    norm.train()
    (refusal,) = _refusals(model)
    assert str(refusal) == "1.0: is in training mode; call model.eval() before compiling"


class Talks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        print("the model's own", file=sys.stderr)
        warnings.warn("the model's own", UserWarning, stacklevel=1)
        warnings.warn("the model's future", FutureWarning, stacklevel=1)
        return x if float(x.mean()) > 0 else -x


def test_what_torch_prints_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), Talks()).eval()
    with pytest.warns(UserWarning, match="the model's own") as warned:
        (refusal,) = _refusals(model)
    assert {str(each.message) for each in warned} == {"the model's own", "the model's future"}
    assert set(capfd.readouterr().err.splitlines()) == {"the model's own"}
    assert (refusal.where, refusal.code) == ("1", "return x if float(x.mean()) > 0 else -x")
    assert "float(x)" in refusal.cure
