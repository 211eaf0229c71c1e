"""The page's loop runs, and its names of MoCo's tensors are those that are read."""

import re
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.bitformat.samples import sample_bytes

from signbit import methods, models, selfsup
from signbit.selfsup.evaluation import diagnostics
from signbit.selfsup.teachers.own import require_place
from signbit.selfsup.teachers.stored import moco_embedder

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "selfsup.md").read_text("utf-8")


def code_after(heading):
    return PAGE.partition(heading)[2].partition("```python\n")[2].partition("```")[0]


def test_the_loop_runs(capsys):
    namespace = {}
    exec(code_after("## In your own loop"), namespace)
    assert namespace["features"].shape == (8, 64)
    assert int(namespace["objective"].queue.pointer) == 32
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("'contrastive'" in line and "'guided'" in line for line in lines)


def test_a_converted_checkpoint_is_read(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    resnet = models.build("real-resnet18", methods.get("real"), classes=2, channels=3)
    resnet.fc = torch.nn.Sequential(
        torch.nn.Linear(512, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4)
    )
    state = {f"module.encoder_q.{name}": value for name, value in resnet.state_dict().items()}
    published = {"epoch": 800, "arch": "resnet18", "state_dict": state}
    torch.save(published, "moco_v2_800ep_pretrain.pth.tar")
    exec(code_after("## Teachers"), {})
    read = load_file("moco-v2-resnet50.safetensors")
    assert moco_embedder(read, "file", "real-resnet18").head.out == 4
    named = re.findall(r"`((?:conv|layer|fc)[\w.]+)`", PAGE.partition("How its names")[2])
    assert len(named) >= 6
    assert {f"module.encoder_q.{name}" for name in named if name != "fc.weight"} <= {*read}


def test_a_module_of_ones_own_is_taken(monkeypatch):
    given = {}
    monkeypatch.setattr(
        selfsup,
        "pretrain",
        lambda recipe, data, out, *, teacher: given.update(recipe=recipe, teacher=teacher),
    )
    exec(code_after("### A module of your own"), {})
    section, teacher = given["recipe"].selfsup, given["teacher"]
    require_place(section.guided, teacher)
    assert teacher(torch.zeros(2, 3, 32, 32)).shape == (2, section.head.out)


def test_the_measures_are_named():
    rows = torch.randn(8, 4)
    found = diagnostics.diagnose(rows, rows, rows)
    table = PAGE.partition("## What to watch")[2]
    assert {*re.findall(r"`((?:embedding|features|teacher)/\w+)`", table)} == {*found}


def test_similar_images_are_found(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 6, 3), dtype=np.uint8)
    for index, image in enumerate(images):
        larger = Image.fromarray(image).resize((32, 32), Image.Resampling.NEAREST)
        larger.save(tmp_path / "photos" / f"{index}.png")
    (tmp_path / "features.sbnn").write_bytes(sample_bytes())
    exec(code_after("### Similar images"), {"images": images})
    name, cosine = capsys.readouterr().out.split()
    assert name.startswith("photos/")
    assert -1 <= float(cosine) <= 1
