"""Teachers by MoCo's names and from run folders, against the networks they were written from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from signbit import models, recipes
from signbit.bitformat.graph import Resize
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.errors import CheckpointError, RecipeError
from signbit.methods import get
from signbit.selfsup import Embedder, Guided, ProjectionHead, build_backbone
from signbit.selfsup.teachers.stored import EmbeddingOf, moco_embedder, open_teacher
from signbit.training.runs.checkpoint import Checkpoint, write_checkpoint
from signbit.training.runs.folder import RunFolder, recipe_digest
from signbit.training.supervised.teacher import FrozenTeacher

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Preprocessing((224, 224, 3), MEAN, STD, Resize(256))
DIGITS = Preprocessing((8, 8, 1), (0.5,), (0.25,), Resize(8))


def moco_state(network: str, prefix: str, hidden: int = 32, out: int = 8) -> dict[str, Tensor]:
    """What MoCo v2's code saves of `network`, random but for what it makes of itself."""
    torch.manual_seed(11)
    resnet = models.build(network, get("real"), classes=2, channels=3)
    width = resnet.fc.in_features
    resnet.fc = torch.nn.Sequential(
        torch.nn.Linear(width, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, out)
    )
    return {prefix + name: value for name, value in resnet.state_dict().items()}


def answers(network: str, state: dict[str, Tensor], prefix: str, pixels: Tensor) -> Tensor:
    """What the saved network says, put together without signbit.selfsup."""
    resnet = models.build(network, get("real"), classes=2, channels=3).eval()
    fc = {name: state[f"{prefix}fc.{name}"] for name in ("0.weight", "0.bias", "2.weight")}
    width, out = fc["0.weight"].shape[1], fc["2.weight"].shape[0]
    resnet.fc = torch.nn.Sequential(
        torch.nn.Linear(width, len(fc["0.bias"])), torch.nn.ReLU(),
        torch.nn.Linear(len(fc["0.bias"]), out),
    )  # fmt: skip
    own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    resnet.load_state_dict(own)
    with torch.no_grad():
        found: Tensor = resnet.eval()(pixels)
    return found


@pytest.mark.slow
def test_a_resnet50_as_moco_publishes_it(tmp_path: Path) -> None:
    state = moco_state("real-resnet50", "module.encoder_q.", 2048, 128)
    # A training's own checkpoint has these too.
    state["module.queue"] = torch.randn(128, 64)
    state["module.queue_ptr"] = torch.zeros(1, dtype=torch.int64)
    state["module.encoder_k.conv1.weight"] = torch.zeros(64, 3, 7, 7)
    save_file(state, tmp_path / "moco.safetensors")
    teacher = open_teacher(tmp_path / "moco.safetensors", IMAGENET)
    pixels = torch.randn(2, 3, 224, 224)
    expected = answers("real-resnet50", state, "module.encoder_q.", pixels)
    assert expected.shape == (2, 128)
    found = teacher(pixels)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not found.requires_grad
    assert not any(parameter.requires_grad for parameter in teacher.parameters())


@pytest.mark.parametrize("prefix", ["module.encoder_q.", "encoder_q.", "module.", ""])
def test_prefixes(prefix: str) -> None:
    state = moco_state("real-resnet18", prefix)
    embedder = moco_embedder(state, "file", "real-resnet18").eval()
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        found = EmbeddingOf(embedder)(pixels)
    torch.testing.assert_close(found, answers("real-resnet18", state, prefix, pixels))
    assert (embedder.head.width, embedder.head.out) == (512, 8)


def refused(state: dict[str, Tensor], network: str = "real-resnet18") -> str:
    with pytest.raises(CheckpointError) as caught:
        moco_embedder(state, "file", network)
    return str(caught.value)


def test_what_is_missing_or_unexpected_is_named() -> None:
    whole = moco_state("real-resnet18", "module.encoder_q.")
    missing = {k: v for k, v in whole.items() if "layer2.0.conv1" not in k}
    name = "module.encoder_q.layer2.0.conv1.weight"
    assert refused(missing) == (
        f"file does not fit: it has no {name}, which is 128×64×3×3 in this network"
    )
    extra = whole | {"module.encoder_q.layer9.weight": torch.zeros(2)}
    assert "it has module.encoder_q.layer9.weight, 2, which is not in this" in refused(extra)
    # A head of another name is not looked for.
    assert "module.encoder_q.fc.0.weight and" in refused(
        {k.replace("fc.", "head."): v for k, v in whole.items()}
    )
    linear = {k: v for k, v in whole.items() if ".fc." not in k}
    linear["module.encoder_q.fc.weight"] = torch.zeros(8, 512)
    assert "a head of two linear layers, as MoCo v2" in refused(linear)
    assert "encoder_q.layer1.0.conv1.weight is 64×64×3×3" in refused(whole, "real-resnet50")
    shape = whole | {"module.encoder_q.conv1.weight": torch.zeros(64, 3, 3, 3)}
    assert "module.encoder_q.conv1.weight is 64×3×3×3 there and 64×3×7×7" in refused(shape)
    assert "fc.0.weight and fc.2.weight" in refused({})


def run_folder(path: Path, *, epoch: int = 1) -> Embedder:
    """A pre-training of the digits' network with real layers, as its checkpoint keeps it."""
    recipe = recipes.load("bnn-digits", ["method.name=real", "epochs=1"])
    torch.manual_seed(3)
    backbone = build_backbone("digits", get("real"), channels=1)
    embedder = Embedder(backbone, ProjectionHead(backbone.width, 16, 6)).eval()
    facts = {"format": 1, "class_names": [], "preprocessing": DIGITS.to_json()}
    folder = RunFolder(path)
    folder.create(recipe, facts)
    state = {f"embedder.{name}": value for name, value in embedder.state_dict().items()}
    state |= {"queue.keys": torch.zeros(4, 6), "queue.pointer": torch.tensor(0)}
    state |= {f"key_encoder.{name}": 0 * value for name, value in embedder.state_dict().items()}
    untrained = {"state": {}, "param_groups": []}
    history = [{"train_loss": 1.0}] * epoch
    digest = recipe_digest(recipe)
    write_checkpoint(folder.checkpoints, Checkpoint(epoch, state, untrained, history, digest))
    return embedder


def test_a_run_folder_teaches_with_its_own_normalisation(tmp_path: Path) -> None:
    embedder = run_folder(tmp_path / "run")
    other = Preprocessing((8, 8, 1), (0.2,), (0.5,), Resize(8))
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        _, expected = embedder((images - 0.5) / 0.25)
    same = open_teacher(tmp_path / "run", DIGITS, network="digits")
    assert isinstance(same, FrozenTeacher)
    torch.testing.assert_close(same((images - 0.5) / 0.25), expected)
    converted = open_teacher(tmp_path / "run", other)((images - 0.2) / 0.5)
    torch.testing.assert_close(converted, expected, rtol=1e-4, atol=1e-5)
    student = build_backbone("digits", get("bireal"), channels=1)
    head = ProjectionHead(student.width, 16, 6)
    guided = Guided(Embedder(student, head), same, temperature=0.2)
    assert guided(images).total.isfinite()


def test_runs_and_files_that_cannot_teach_are_refused(tmp_path: Path) -> None:
    run_folder(tmp_path / "run")
    with pytest.raises(CheckpointError, match="is a digits, but its network has to be resnet20"):
        open_teacher(tmp_path / "run", DIGITS, network="resnet20")
    with pytest.raises(CheckpointError, match="sees images of 8×8×1, the student of 224×224×3"):
        open_teacher(tmp_path / "run", IMAGENET)
    with pytest.raises(RecipeError, match="which knows its own normalisation"):
        open_teacher(tmp_path / "run", DIGITS, normalization=((0.5,), (0.5,)))
    with pytest.raises(CheckpointError, match="neither a run folder nor a"):
        open_teacher(tmp_path / "absent", DIGITS)
    save_file(moco_state("real-resnet18", ""), tmp_path / "moco.safetensors")
    grey = moco_state("real-resnet18", "")
    grey["conv1.weight"] = grey["conv1.weight"][:, :1].contiguous()
    save_file(grey, tmp_path / "grey.safetensors")
    with pytest.raises(CheckpointError, match="sees images of 224×224×1, the student of 8×8×1"):
        open_teacher(tmp_path / "grey.safetensors", DIGITS, network="real-resnet18")
    own = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    teacher = open_teacher(
        tmp_path / "moco.safetensors", IMAGENET, network="real-resnet18", normalization=own
    )
    assert not teacher.same
    untrained = recipes.load("bnn-digits", ["epochs=2"])
    folder = RunFolder(tmp_path / "unfinished")
    folder.create(untrained, {"format": 1})
    with pytest.raises(CheckpointError, match=r"this run is not finished \(0 of 2 epochs\)"):
        open_teacher(folder.path, DIGITS)
