"""The README's picture and table show the results as they are now, and its examples run."""

import re

import numpy as np
import pytest
from PIL import Image
from tools import overview

TEXT = overview.README.read_text("utf-8")


def test_the_picture_is_that_of_the_results():
    assert overview.picture() == overview.PICTURE.read_text("utf-8"), "python -m tools.overview"


def test_the_table_is_that_of_the_results():
    assert overview.with_table(TEXT) == TEXT, "python -m tools.overview"


def test_the_table_names_every_network():
    lines = overview.table().splitlines()
    assert len(lines) == 2 + len(overview.NETWORKS)
    assert all(line.count("|") == lines[0].count("|") for line in lines)


@pytest.mark.slow
def test_the_examples_run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    engine, network = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    exec(network, {})
    images = np.zeros((2, 32, 32, 3), np.uint8)
    Image.fromarray(images[0]).resize((50, 40)).save("photo.jpg")
    namespace = {"images": images}
    exec(engine.replace("model.sbnn", "mine.sbnn"), namespace)
    assert namespace["logits"].shape == (2, 10)
    assert namespace["found"].name in map(str, range(10))  # it has no names of classes
