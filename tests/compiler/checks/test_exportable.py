"""Whatever is given in place of a model is either compiled or refused by signbit's own error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

from signbit.compiler import check
from signbit.errors import Refusal

SIZE = (8, 8, 3)


def _net() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 10)).eval()


class Of(nn.Module):
    """A network with a function behind it."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.net = _net()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self.net(x))


class NoImages(nn.Module):
    def forward(self) -> Tensor:
        return torch.zeros(2, 3)


class TwoImages(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


def _quantised() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(_net(), {nn.Linear})  # type: ignore[no-untyped-call, no-any-return]


def _scripted() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(_net())


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "nothing": (lambda: None, "must be a torch.nn.Module"),
    "a path": (lambda: "model.pt", "must be a torch.nn.Module in evaluation mode, is str"),
    "weights": (lambda: _net().state_dict(), "is OrderedDict"),
    "a class": (lambda: nn.Linear, "is the class Linear"),
    "a function": (lambda: torch.relu, "must be a torch.nn.Module"),
    "training": (lambda: _net().train(), "call model.eval()"),
    "torch.jit": (_scripted, "the model: is a torch.jit module"),
    "part of torch.jit": (lambda: nn.Sequential(_scripted()).eval(), "0: is a torch.jit module"),
    "quantised": (_quantised, "1: is quantised"),
    "lazy": (lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(3)).eval(), "1.weight: has no size"),
    "meta": (lambda: _net().to("meta"), "1.weight: is on the meta device"),
    "exported": (
        lambda: torch.export.export(_net(), (torch.zeros(2, *SIZE[::-1]),)).module(),
        "compile the module that was exported",
    ),
    "no forward": (lambda: nn.Module().eval(), "forward"),
    "no images": (lambda: NoImages().eval(), "forward must take the images alone"),
    "two images": (lambda: TwoImages().eval(), "forward must take the images alone"),
    "no result": (lambda: Of(lambda x: None).eval(), "the model returns None"),
    "a number": (lambda: Of(lambda x: 3.0).eval(), "the model returns 3.0"),
    "a text": (lambda: Of(lambda x: "a").eval(), "the model returns a"),
    "no results": (lambda: Of(lambda x: {}).eval(), "the model returns None"),
    "a result that is none": (lambda: Of(lambda x: (x, None)).eval(), "the model returns None"),
    "one name for two": (
        lambda: Of(lambda x: {"a.b": x, "a": {"b": x}}).eval(),
        "two results called 'a.b'",
    ),
    "an object": (lambda: Of(lambda x: object()).eval(), "torch.export cannot follow Of"),
    "an array": (lambda: Of(lambda x: x.numpy()).eval(), "it computes with NumPy; write it with"),
    "a number made of values": (
        lambda: Of(lambda x: x * float(x.max())).eval(),
        "computed of the images",
    ),
    "a key error": (lambda: Of(lambda x: {}["a"]).eval(), "KeyError: 'a'"),
    "an error": (lambda: Of(lambda x: 1 / 0).eval(), "ZeroDivisionError"),
    "an assertion": (lambda: Of(lambda x: [][0]).eval(), "IndexError"),
    "an iterator": (lambda: Of(lambda x: next(iter(()))).eval(), "StopIteration"),
}


@pytest.mark.parametrize("name", [*REFUSED])
def test_refuses(name: str) -> None:
    make, reason = REFUSED[name]
    found = check(make(), input_size=SIZE)
    assert found
    assert all(isinstance(refusal, Refusal) for refusal in found)
    assert any(reason in str(refusal) for refusal in found), found


@pytest.fixture
def one_process() -> Iterator[None]:
    """A group of processes with this one alone."""
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures("one_process")
@pytest.mark.filterwarnings("ignore:FSDP is switching")
def test_wrappers_of_several_processes_are_taken_off_or_named() -> None:
    assert check(nn.parallel.DistributedDataParallel(_net()).eval(), input_size=SIZE) == []
    mesh = init_device_mesh("cpu", (1,))
    sharded = FullyShardedDataParallel(_net(), device_id=torch.device("cpu"))
    for model in (sharded, fully_shard(_net(), mesh=mesh)):
        for whole, name in ((model, "the model"), (nn.Sequential(model), "0")):
            (refusal,) = check(whole.eval(), input_size=SIZE)
            assert refusal.where == name
            assert refusal.reason.startswith("is shared by several processes (torch.distributed.")
            assert "full_state_dict=True" in refusal.cure


TAKEN: dict[str, Callable[[], nn.Module]] = {
    "a network": _net,
    "a dict of one": lambda: Of(lambda x: {"logits": x}).eval(),
    "a list of one": lambda: Of(lambda x: [x]).eval(),
    "channels last": lambda: _net().to(memory_format=torch.channels_last),
    "torch.fx": lambda: torch.fx.symbolic_trace(_net()),
}


@pytest.mark.parametrize("name", [*TAKEN])
def test_takes(name: str) -> None:
    assert check(TAKEN[name](), input_size=SIZE) == []


class State(nn.Module):
    """Keeps something other than tensors in its state."""

    def __init__(self) -> None:
        super().__init__()
        self.net = _net()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.net(x)
        return y

    def get_extra_state(self) -> dict[str, int]:
        return {"epoch": 3}

    def set_extra_state(self, state: dict[str, int]) -> None:
        pass


def test_takes_a_module_with_a_state_of_its_own() -> None:
    assert check(State().eval(), input_size=SIZE) == []
