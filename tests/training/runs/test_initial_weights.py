from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.training.supervised.test_train import train_until_interrupted

from signbit.errors import CheckpointError
from signbit.training import load_run, train
from signbit.training.recipe import Recipe
from signbit.training.runs.initial_weights import read_state


def test_a_run_and_a_file_hold_states(short_recipe: Recipe, tmp_path: Path) -> None:
    train(short_recipe, None, tmp_path / "run", progress=False)
    expected = load_run(tmp_path / "run").model.state_dict()
    save_file(expected, tmp_path / "it.safetensors")
    for source in ("run", "it.safetensors"):
        state = read_state(tmp_path / source)
        assert set(state) == set(expected)
        assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_what_cannot_be_read_is_named(short_recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent: neither a run folder nor a \.safeten"):
        read_state(tmp_path / "absent")
    (tmp_path / "broken.safetensors").write_bytes(b"12345678901234567890")
    with pytest.raises(CheckpointError, match=r"broken\.safetensors: not a readable safetensors"):
        read_state(tmp_path / "broken.safetensors")
    # A header that begins as a pickle does, and is cut off.
    (tmp_path / "cut.safetensors").write_bytes((0x280).to_bytes(8, "little") + b'{"a')
    with pytest.raises(CheckpointError, match=r"cut\.safetensors: not a readable safetensors"):
        read_state(tmp_path / "cut.safetensors")
    train_until_interrupted(short_recipe, tmp_path / "run", 1)
    with pytest.raises(CheckpointError, match=r"not finished \(1 of 3 epochs\); train it to its"):
        read_state(tmp_path / "run")
    train_until_interrupted(short_recipe, tmp_path / "new", 0)
    with pytest.raises(CheckpointError, match=r"not finished \(0 of 3 epochs\)"):
        read_state(tmp_path / "new")


@pytest.mark.parametrize("name", ["moco.pth.tar", "net.pt", "net.pth", "pytorch_model.bin", "net"])
@pytest.mark.parametrize("zipped", [True, False])
def test_pickles_are_not_opened(name: str, zipped: bool, tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / name, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"may run code; convert it .* docs/selfsup\.md"):
        read_state(tmp_path / name)


def test_a_name_alone_makes_no_pickle(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(2)}, tmp_path / "model.bin")
    assert read_state(tmp_path / "model.bin")["weight"].tolist() == [1, 1]
