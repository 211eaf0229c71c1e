from typing import Any

import pytest
import torch
from torch import Tensor, nn

from signbit.compiler.exporting.exported import PartialReplay, Replay, export
from signbit.errors import CompileError


class _InPlace(nn.Module):
    """Reads a value again after an operation that wrote into it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        y = self.act(x)
        return (x + y).mean((2, 3))


def test_replay_records_what_the_model_computes() -> None:
    model = _InPlace().eval()
    program = export(model, (6, 6, 1))
    names = [node.name for node in program.graph.nodes]
    replay = Replay(program, ["conv2d"])
    x = torch.randn(3, 1, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(replay(x), [model(x)], rtol=0, atol=0)
        torch.testing.assert_close(replay.recorded["conv2d"], model.conv(x), rtol=0, atol=0)
    assert replay.recorded.keys() == {"conv2d"}
    assert not any(name.endswith("_") for name in names)


def test_a_partial_replay_computes_what_is_needed() -> None:
    class Counted(PartialReplay):
        calls = 0

        def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
            self.calls += 1
            return super().call_function(target, args, kwargs)

    model = _InPlace().eval()
    replay = Counted(export(model, (6, 6, 1)), ["relu"])
    x = torch.randn(2, 1, 6, 6)
    replay(x)
    assert replay.calls == 2
    torch.testing.assert_close(replay.recorded["relu"], model.act(model.conv(x)), rtol=0, atol=0)


def test_refuses_training_mode() -> None:
    with pytest.raises(CompileError, match=r"model\.eval\(\)"):
        export(_InPlace(), (6, 6, 1))


class _OneImage(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(2, -1)


def test_refuses_a_fixed_batch_size() -> None:
    with pytest.raises(CompileError, match="any batch size"):
        export(_OneImage().eval(), (6, 6, 1))


class _Branch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


def test_refuses_a_branch_on_values() -> None:
    with pytest.raises(CompileError, match=r"torch\.export cannot follow _Branch") as caught:
        export(_Branch().eval(), (6, 6, 1))
    assert "\n" not in str(caught.value)
    assert not any(word in str(caught.value) for word in ("guard", "u0", "symbol"))


def test_refuses_images_the_model_cannot_take() -> None:
    with pytest.raises(CompileError, match="6×6×3"):
        export(_InPlace().eval(), (6, 6, 3))


class _Failing(nn.Module):
    """Looks at values, or fails by itself."""

    def __init__(self, own: bool) -> None:
        super().__init__()
        self.own = own

    def forward(self, x: Tensor) -> Tensor:
        if self.own:
            raise LookupError("the model's own")
        return x if x.sum() > 0 else -x


def test_what_torch_raised_is_not_shown_beside_the_refusal() -> None:
    with pytest.raises(CompileError) as caught:
        export(_Failing(own=False).eval(), (6, 6, 1))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    with pytest.raises(CompileError) as caught:
        export(_Failing(own=True).eval(), (6, 6, 1))
    assert isinstance(caught.value.__cause__, LookupError)
