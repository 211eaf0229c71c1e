"""The README's picture and table show the results as they are now."""

from tools import overview


def test_the_picture_is_that_of_the_results():
    assert overview.picture() == overview.PICTURE.read_text("utf-8"), "run tools/overview.py"


def test_the_table_is_that_of_the_results():
    text = overview.README.read_text("utf-8")
    assert overview.with_table(text) == text, "run tools/overview.py"


def test_the_table_names_every_network():
    lines = overview.table().splitlines()
    assert len(lines) == 2 + len(overview.NETWORKS)
    assert all(line.count("|") == lines[0].count("|") for line in lines)
