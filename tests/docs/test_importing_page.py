"""The page's table names every published network, and its example describes one that imports."""

import re
from pathlib import Path

import torch
from safetensors.torch import save_file

from signbit import methods, models
from signbit.exchange import published
from signbit.exchange.published import table

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "importing.md").read_text("utf-8")


def test_the_table_has_every_network():
    rows = re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE)
    assert sorted(rows) == published.names()


def test_the_example_imports(monkeypatch, tmp_path):
    code = PAGE.partition("## Adding one")[2].partition("```python\n")[2].partition("```")[0]
    namespace = {}
    exec(code, namespace)
    entry = namespace["entry"]
    monkeypatch.setattr(table, "_table", {"mine": entry})
    model = models.build("digits", methods.get("sdbnn"), classes=10, channels=1)
    ours = model.state_dict()
    theirs = {entry.their_name(name): value for name, value in ours.items()}
    assert all(name.startswith(("features.", "fc.")) for name in theirs)
    assert "features.conv1.asd.fc1.weight" in theirs
    save_file(theirs, tmp_path / "x.safetensors")
    run = published.import_network("mine", tmp_path / "x.safetensors", tmp_path / "run")
    loaded = run.model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in ours.items())
