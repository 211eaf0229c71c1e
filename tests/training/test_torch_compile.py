"""torch.compile while training; what its own code generator makes is tested where it is slow."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.supervised.test_train import train_until_interrupted
from tests.training.test_session import state
from torch import nn

from signbit import recipes
from signbit.nn.binarizers import PlainSignActivation
from signbit.nn.estimators import EDE, Clip
from signbit.training import load_run, train
from signbit.training import torch_compile as compiled_module
from signbit.training.torch_compile import compiled

real_compile = torch.compile


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every graph that is compiled, to be run as it is; graphs of earlier tests are forgotten."""
    torch._dynamo.reset()
    found: list[Any] = []

    def keep(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        found.append(graph)
        return graph.forward

    monkeypatch.setattr(
        compiled_module.torch,
        "compile",
        lambda module, **how: real_compile(module, backend=keep, **how),
    )
    return found


def test_scheduled_estimators_keep_their_signs_and_gradients(graphs: list[Any]) -> None:
    ede, clip = PlainSignActivation(EDE()), PlainSignActivation(Clip())
    module = nn.ModuleList([ede, clip])
    plain = EDE()
    wrapped = compiled(ede, module)
    assert isinstance(clip.estimator, Clip)
    for epoch in range(12):
        for estimator in (ede.estimator, plain):
            estimator.set_progress(epoch, 12)
        x, y = (torch.linspace(-2, 2, 41, requires_grad=True) for _ in range(2))
        ours, theirs = wrapped(x).signs, plain(y)
        assert torch.equal(ours, theirs)
        ours.sum().backward()
        theirs.sum().backward()
        torch.testing.assert_close(x.grad, y.grad)
        torch.testing.assert_close(ede.estimator.derivative(x), plain.derivative(x))
    assert len(graphs) == 1


def recipe(epochs: int) -> Any:
    overrides = [f"epochs={epochs}", "train_images=96", "batch_size=32", "compile=true"]
    return recipes.load("sdbnn-digits", overrides)


@pytest.mark.slow
def test_one_graph_lasts_for_all_epochs_and_a_broken_run_goes_on(
    graphs: list[Any], tmp_path: Path
) -> None:
    train(recipe(12), None, tmp_path / "whole", progress=False)
    assert len(graphs) == 1
    names = {str(node.target) for node in graphs[0].graph.nodes}
    assert "signbit.binary_conv2d.default" in names or "signbit.binary_conv2d" in names
    assert not [name for name in names if "sign_conv2d" in name or "binary_unit" in name]
    train_until_interrupted(recipe(12), tmp_path / "broken", 2)
    train(recipe(12), None, tmp_path / "broken", progress=False)
    assert state(tmp_path / "broken") == state(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_generated_code_learns_and_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    torch._dynamo.reset()
    train(recipe(3), None, tmp_path / "whole", progress=False)
    train_until_interrupted(recipe(3), tmp_path / "broken", 1)
    torch._dynamo.reset()
    train(recipe(3), None, tmp_path / "broken", progress=False)
    assert state(tmp_path / "broken") == state(tmp_path / "whole")
    history = load_run(tmp_path / "whole").history
    assert history[-1]["train_loss"] < history[0]["train_loss"]
