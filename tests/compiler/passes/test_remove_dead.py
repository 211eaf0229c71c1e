from tests.compiler.graphs import Builder

from signbit.compiler.ir import IMAGE
from signbit.compiler.passes import remove_dead


def test_removes_whole_branches_and_keeps_image_and_output() -> None:
    build = Builder()
    stem = build.stem()
    build.mean(build.affine(stem))
    build.graph.output = stem
    remove_dead(build.graph)
    assert [node.name for node in build.graph] == [IMAGE, build.graph[stem].input, stem]
