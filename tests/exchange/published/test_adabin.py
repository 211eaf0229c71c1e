"""AdaBin's published ResNet-20: imported, it answers as its authors' arithmetic does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

import signbit
from signbit.cli.runs import compile_run
from signbit.compiler.verification.verify import verify
from signbit.data import open_dataset
from signbit.data.pixels.transforms import Normalization, to_unit
from signbit.errors import CheckpointError
from signbit.exchange import published
from signbit.training import evaluate_model

NAME = "adabin-resnet20"


@pytest.fixture
def file(shared_data: Path) -> Path:
    return shared_data / "weights/adabin-resnet20-cifar10-1w1a.safetensors"


def authors_network(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """Logits from the file's own tensors, as section 3 of the paper and its code compute them."""

    def norm(x: Tensor, name: str) -> Tensor:
        of = [state[f"{name}.{part}"] for part in ("running_mean", "running_var")]
        return F.batch_norm(x, *of, state[f"{name}.weight"], state[f"{name}.bias"])

    def maxout(x: Tensor, name: str) -> Tensor:
        p, n = (state[f"{name}.{part}_scale"].reshape(-1, 1, 1) for part in ("pos", "neg"))
        return p * x.clamp(min=0) - n * (-x).clamp(min=0)

    def binary_conv(x: Tensor, name: str, stride: int) -> Tensor:
        alpha, beta = (state[f"{name}.binary_a.{part}_a"] for part in ("alpha", "beta"))
        x = alpha * (((x - beta) / alpha).sign() + beta)
        w = state[f"{name}.weight"]
        mean = w.mean((1, 2, 3), keepdim=True)
        std = (w - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
        return F.conv2d(x, (w - mean).sign() * std + mean, stride=stride, padding=1)

    x = maxout(norm(F.conv2d(x, state["conv1.weight"], padding=1), "bn1"), "nonlinear1")
    for stage in (1, 2, 3):
        for block in (0, 1, 2):
            for part in (1, 2):
                at = f"layer{stage}.{block}."
                stride = 2 if stage > 1 and (block, part) == (0, 1) else 1
                y = norm(binary_conv(x, f"{at}conv{part}", stride), f"{at}bn{part}")
                added = (y.shape[1] - x.shape[1]) // 2
                around = F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, added, added))
                x = maxout(y + around, f"{at}nonlinear{part}")
    return F.linear(norm(x.mean((2, 3)), "bn2"), state["linear.weight"], state["linear.bias"])


@pytest.mark.slow
def test_it_answers_and_scores_as_published(file: Path, shared_data: Path, tmp_path: Path) -> None:
    """78.11 % on all 10,000 of these images; its authors' code has 78.13 % on them."""
    run = published.import_network(NAME, file, tmp_path / "run")
    images = open_dataset(shared_data / "data/cifar10", "test").take(np.arange(0, 10_000, 40))
    measured = evaluate_model(run.model, images, run.preprocessing)
    assert abs(measured.top1 - 0.7813) < 3 * (0.7813 * 0.2187 / 250) ** 0.5

    pixels = torch.from_numpy(run.preprocessing.fit(images).images)
    x = Normalization(*run.normalization)(to_unit(pixels))
    with torch.no_grad():
        ours, theirs = run.model(x), authors_network(load_file(file), x)
    # A sign next to its threshold may round to the other side, and is amplified.
    assert (ours.argmax(1) == theirs.argmax(1)).sum() >= 248
    assert (ours - theirs).abs().median() < 1e-4


@pytest.mark.slow
def test_compiled_it_answers_alike(file: Path, shared_data: Path, tmp_path: Path) -> None:
    """78.11 % on all 10,000 of these images in the engine, too."""
    run = published.import_network(NAME, file, tmp_path / "run")
    compiled = compile_run(run)
    compiled.save(tmp_path / "model.sbnn")
    engine = signbit.load(tmp_path / "model.sbnn")
    images = open_dataset(shared_data / "data/cifar10", "test").take(np.arange(0, 10_000, 40))
    fitted = run.preprocessing.fit(images)
    agreement = verify(compiled, fitted.images, fitted.labels, engine=engine)
    assert agreement.agrees
    assert sum(node.dots for node in agreement.nodes) > 0
    assert agreement.end_to_end.disagreements <= 2 * agreement.end_to_end.onednn_disagreements + 1
    assert agreement.end_to_end.engine_top1 is not None
    assert abs(agreement.end_to_end.engine_top1 - 0.7813) < 0.08


def test_the_first_difference_has_the_file_s_name(file: Path, tmp_path: Path) -> None:
    state = load_file(file)
    state["layer3.2.nonlinear2.pos_scale"] = torch.ones(32)
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match=r"layer3\.2\.nonlinear2\.pos_scale is 32 there"):
        published.import_network(NAME, tmp_path / "x.safetensors", tmp_path / "run")
    del state["layer2.0.conv1.binary_a.alpha_a"]
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match=r"it has no layer2\.0\.conv1\.binary_a\.alpha_a"):
        published.import_network(NAME, tmp_path / "x.safetensors", tmp_path / "run")
