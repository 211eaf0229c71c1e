from dataclasses import replace

from tests.compiler.graphs import Builder, ops


def test_whoever_reads_a_value_may_take_another() -> None:
    build = Builder()
    stem = build.stem(4)
    other = build.activation(stem, "relu")
    twice = build.plus(stem, stem)
    build.graph.output = stem
    build.graph.redirect(stem, other)
    assert build.graph[twice].inputs == (other, other)
    assert build.graph.output == other


def test_a_node_behind_another_is_read_in_its_place() -> None:
    build = Builder()
    stem = build.stem(4)
    reader = build.plus(stem, stem)
    last = build.graph[build.activation(stem, "relu")]
    build.graph.remove(last.name)
    build.graph.output = reader
    build.graph.insert_behind(replace(last, name="new"))
    assert build.graph["new"].inputs == (stem,)
    assert build.graph[reader].inputs == ("new", "new")
    assert ops(build.graph) == ["image", "real_conv", "identity", "identity", "identity"]
    assert build.graph.place("new") == build.graph.place(stem) + 1


def test_the_only_reader() -> None:
    build = Builder()
    stem = build.stem(4)
    reader = build.plus(stem, stem)
    only = build.graph.only_reader(stem)
    assert only is not None
    assert only.name == reader
    build.graph.output = stem
    assert build.graph.only_reader(stem) is None


def test_a_bypassed_node_is_gone() -> None:
    build = Builder()
    stem = build.stem(4)
    active = build.activation(stem, "relu")
    reader = build.affine(active)
    build.graph.output = active
    build.graph.bypass(active)
    assert active not in build.graph
    assert build.graph[reader].input == build.graph.output == stem
