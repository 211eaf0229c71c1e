from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from signbit import methods
from signbit.bitformat.graph import Resize
from signbit.data import Preprocessing, open_dataset
from signbit.errors import CheckpointError, DataError, DivergedError, InputError
from signbit.recipes import load
from signbit.selfsup.backbone import build_backbone
from signbit.selfsup.evaluation.linear import ProbePlan
from signbit.selfsup.evaluation.probe import load_probe, save_probe, train_probe
from signbit.training import Run

PLAN = ProbePlan(epochs=8, batch_size=64)
CPU = torch.device("cpu")


def untrained(channels: int = 1) -> Run:
    """A random backbone for digits, as a run would give it."""
    torch.manual_seed(1)
    size = (8, 8, channels)
    return Run(
        path=Path("runs/random"),
        model=build_backbone("digits", methods.get("bnn"), channels).eval(),
        recipe=load("bnn-digits"),
        class_names=(),
        preprocessing=Preprocessing(size, (0.5,) * channels, (0.5,) * channels, Resize(8)),
        epoch=0,
        history=[],
    )


def folder_of_images(root: Path, counts: dict[str, int], *, gray: bool) -> Path:
    """train/ and test/ with images of one shade a class."""
    generator = np.random.default_rng(0)
    for split in ("train", "test"):
        for index, (name, count) in enumerate(counts.items()):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 40, (13, 11)) + 90 * index
                image = Image.fromarray(pixels.astype(np.uint8))
                image.convert("L" if gray else "RGB").save(root / split / name / f"{number}.png")
    return root


def test_a_random_backbone_tells_digits_apart_and_stays_as_it_is(tmp_path: Path) -> None:
    run = untrained()
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    probe = train_probe(run, PLAN, device=CPU)
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert probe.facts["top1"] > 0.6
    assert probe.facts["top5"] > probe.facts["top1"]
    assert (probe.facts["train_images"], probe.facts["test_images"]) == (1435, 362)
    assert (probe.facts["lr"], probe.facts["trials"]) == (0.1, [])
    # What it says of itself is what backbone and classifier give.
    test = open_dataset("digits", "test")
    pixels = torch.from_numpy(test.images).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        answers = probe.head(run.model((pixels - 0.5) / 0.5)).argmax(1).numpy()
    assert probe.facts["top1"] == np.mean(answers == test.labels)
    save_probe(probe, tmp_path / "probe")
    again = load_probe(tmp_path / "probe")
    assert torch.equal(again.head.weight, probe.head.weight)
    assert torch.equal(again.head.bias, probe.head.bias)
    assert (again.class_names, again.facts) == (probe.class_names, probe.facts)
    again.require_backbone(run.model, "runs/random")
    repeated = train_probe(run, PLAN, device=CPU)
    assert torch.equal(repeated.head.weight, probe.head.weight)


def test_rates_are_compared_and_the_best_learns_from_all_images() -> None:
    run = untrained()
    probe = train_probe(run, replace(PLAN, rates=(1e-5, 0.1)), device=CPU)
    assert [trial["rate"] for trial in probe.facts["trials"]] == [1e-5, 0.1]
    assert probe.facts["lr"] == 0.1
    alone = train_probe(run, PLAN, device=CPU)
    assert torch.equal(probe.head.weight, alone.head.weight)


def test_a_share_of_the_labels() -> None:
    facts = train_probe(untrained(), PLAN, labels=0.1, device=CPU).facts
    assert (facts["labels"], facts["test_images"]) == (0.1, 362)
    assert 138 <= facts["train_images"] <= 149
    with pytest.raises(InputError, match=r"above 0 and at most 1, not 1\.5"):
        train_probe(untrained(), PLAN, labels=1.5, device=CPU)


def test_augmented_images() -> None:
    run = untrained()
    plan = replace(PLAN, epochs=3)
    probe = train_probe(run, plan, augment=True, device=CPU)
    assert probe.facts["augment"] is True
    assert probe.facts["top1"] > 0.3
    assert not torch.equal(probe.head.weight, train_probe(run, plan, device=CPU).head.weight)


def test_transfer_to_gray_images_of_another_size(tmp_path: Path) -> None:
    data = folder_of_images(tmp_path, {"dark": 12, "light": 10}, gray=True)
    plan = replace(PLAN, epochs=40, rates=(0.01,))
    probe = train_probe(untrained(channels=3), plan, data=str(data), device=CPU)
    assert probe.class_names == ("dark", "light")
    assert probe.facts["data"] == str(data)
    assert (probe.facts["top1"], probe.facts["top5"]) == (1.0, None)


def test_folders_without_images_or_splits(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        train_probe(untrained(), PLAN, data=str(tmp_path), device=CPU)
    data = folder_of_images(tmp_path, {"dark": 2, "light": 2}, gray=True)
    with pytest.raises(DataError, match="no split 'validation'"):
        train_probe(untrained(), PLAN, data=str(data), test_split="validation", device=CPU)


def test_a_rate_that_diverges() -> None:
    with pytest.raises(DivergedError, match="lower it"):
        train_probe(untrained(), replace(PLAN, rates=(1e38,)), device=CPU)


def test_a_probe_of_another_network_is_refused() -> None:
    probe = train_probe(untrained(), replace(PLAN, epochs=1), device=CPU)
    other = build_backbone("digits", methods.get("bnn"), 1)
    with pytest.raises(CheckpointError, match=r"another backbone .*signbit probe runs/other"):
        probe.require_backbone(other, "runs/other")


def test_folders_that_are_no_probe(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a probe's folder"):
        load_probe(tmp_path)
    save_probe(train_probe(untrained(), replace(PLAN, epochs=1), device=CPU), tmp_path)
    (tmp_path / "probe.safetensors").write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="damaged"):
        load_probe(tmp_path)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(CheckpointError, match="damaged"):
        load_probe(tmp_path)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("augment", [False, True])
def test_a_gpu_finds_what_the_cpu_does(augment: bool) -> None:
    plan = replace(PLAN, epochs=3, rates=(0.01, 0.1))
    ours = train_probe(untrained(), plan, augment=augment, device=torch.device("cuda"))
    cpu = train_probe(untrained(), plan, augment=augment, device=CPU)
    assert ours.facts["device"] == "cuda"
    assert ours.head.weight.device.type == "cpu"
    assert ours.facts["lr"] == cpu.facts["lr"]
    assert abs(ours.facts["top1"] - cpu.facts["top1"]) < 0.02
