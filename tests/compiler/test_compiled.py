import os
from pathlib import Path

import pytest
from tests.compiler.nets import compiled
from torch import nn

from signbit.bitformat import decode
from signbit.compiler import Compiled

SIZE = (4, 4, 1)


@pytest.fixture(scope="module")
def network() -> Compiled:
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval()
    return compiled(model, SIZE, class_names=["a", "b", "c"], source={"recipe": "none"})


def test_the_repr_of_a_network_is_short(network: Compiled) -> None:
    assert repr(network) == f"<Compiled 4×4×1: 1 node, {len(network.data):,} bytes>"
    assert repr(network.graph) == "<Graph of 1 nodes: 'image', 'logits'>"


def test_the_saved_file_is_the_data(network: Compiled, tmp_path: Path) -> None:
    path = tmp_path / "model.sbnn"
    network.save(path)
    assert path.read_bytes() == network.data
    graph, constants = decode(path.read_bytes())
    assert graph == network.graph
    assert constants.keys() == network.constants.keys()
    assert graph.outputs[0].classes == ("a", "b", "c")
    assert graph.source == {"recipe": "none"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_save_leaves_the_old_file_whole(
    network: Compiled,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    error: type[BaseException],
) -> None:
    path = tmp_path / "model.sbnn"
    path.write_bytes(b"the old one")

    def interrupt(*arguments: object) -> None:
        raise error

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", interrupt)
    else:
        monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(error):
        network.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_an_error(network: Compiled, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        network.save(tmp_path / "missing" / "model.sbnn")
