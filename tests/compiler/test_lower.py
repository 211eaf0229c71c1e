import numpy as np
import pytest
from tests.compiler.graphs import Builder, answers, compare_with_zero, lowered

from signbit.compiler.ir import IMAGE
from signbit.compiler.lower import LOGITS, Lowered, lower
from signbit.compiler.passes import fuse_epilogue, remove_dead, thresholds
from signbit.errors import CompileError


def _optimised(build: Builder, output: str) -> Lowered:
    graph = build.finish(output)
    thresholds(graph)
    remove_dead(graph)
    fuse_epilogue(graph)
    return lowered(graph)[0]


def test_no_real_is_stored_that_nobody_reads() -> None:
    build = Builder()
    first = build.affine(build.conv(build.sign(build.stem()), 8))
    result = _optimised(build, build.conv(build.sign(first), 8))
    assert [node.op for node in result.nodes] == ["real_conv", "binary_conv", "binary_conv"]
    assert [node.real for node in result.nodes] == [None, None, LOGITS]
    # Nor is the maths computed that the comparison replaces.
    assert result.nodes[1].scale is None
    threshold = result.constants[result.nodes[1].signs[0].threshold]
    assert threshold.dtype == np.int32


def test_reals_and_signs_of_one_node() -> None:
    build = Builder()
    stem = build.stem(8)
    unit = build.plus(build.affine(build.conv(build.sign(stem), 8)), stem)
    result = _optimised(build, unit)
    first, second = result.nodes
    assert first.real is not None
    assert first.signs[0].tensor == second.input
    assert second.shortcut is not None
    assert second.shortcut.tensor == first.real


def test_signs_that_compare_with_zero_share_constants() -> None:
    build = Builder()
    value = build.stem(8)
    for _ in range(3):
        value = build.plus(build.conv(build.sign(value), 8), value)
    result = _optimised(build, value)
    outputs = [sign for node in result.nodes for sign in node.signs]
    assert len(outputs) == 3
    assert len({sign.threshold for sign in outputs}) == 1
    assert len({sign.flip for sign in outputs}) == 1
    assert outputs[0].threshold != outputs[0].flip


def test_convolutions_of_different_groups_get_bits_of_their_own() -> None:
    build = Builder()
    sign = build.sign(build.stem(8))
    whole = build.conv(sign, 8)
    halves = build.conv(sign, 8, groups=2)
    quarters = build.conv(sign, 8, groups=4)
    total = build.plus(build.plus(whole, halves), quarters)
    graph = build.finish(total)
    result = lowered(graph)[0]
    readers = {node.groups: node.input for node in result.nodes if node.op == "binary_conv"}
    assert readers[2] != readers[4]
    assert readers[1] in (readers[2], readers[4])
    answers(graph)


def test_sums_of_groups_read_the_bits_of_their_convolution() -> None:
    build = Builder()
    sign = build.sign(build.stem(8))
    halves = build.conv_with("sums", sign, 8, groups=2)
    quarters = build.conv_with("sums", sign, 8, groups=4)
    graph = build.finish(build.plus(halves, quarters))
    compare_with_zero(graph)
    nodes = lower(graph).nodes
    for groups in (2, 4):
        inputs = {node.op: node.input for node in nodes if node.groups == groups}
        assert inputs["sign_sum"] == inputs["binary_conv"]
    answers(graph)


def test_real_convolutions_read_whatever_bits_there_are() -> None:
    """Their groups need no alignment."""
    build = Builder()
    sign = build.sign(build.stem(8))
    binary = build.conv(sign, 8, groups=2)
    real = build.add("real_conv", sign, build.graph[binary].shape, groups=4)
    fields = {name: getattr(build.graph[binary], name) for name in ("kernel", "stride", "padding")}
    build.graph.update(real, weight=build.random.normal(0, 1, (8, 3, 3, 2)), **fields)
    graph = build.finish(build.plus(real, binary))
    nodes = lowered(graph)[0].nodes
    assert len({node.input for node in nodes if node.groups in (2, 4)}) == 1
    answers(graph)


@pytest.mark.parametrize("part", ["map", "sums", "shift"])
def test_what_a_binary_convolution_adds_to_its_dots(part: str) -> None:
    build = Builder()
    conv = build.conv_with(part, build.sign(build.stem(4)), 8, groups=2)
    result = lowered(build.finish(conv))[0]
    last = result.nodes[-1]
    written = {name for node in result.nodes for name in node.outputs}
    if part == "map":
        assert last.map in written
    elif part == "sums":
        assert last.sums is not None
        assert last.sums.tensor in written
        assert result.constants[last.sums.scale].shape == (8,)
    else:
        assert last.shift is not None
        assert result.constants[last.shift].shape == (3, 3, 8)


def test_a_pool_of_bits_writes_bits() -> None:
    build = Builder()
    pooled = build.max_pool(build.sign(build.stem(8)))
    result = lowered(build.finish(build.conv(pooled, 4)))[0]
    pool = next(node for node in result.nodes if node.op == "max_pool")
    assert pool.real is None
    assert len(pool.signs) == 1
    assert pool.scale is None


def test_signs_of_the_image_get_a_node() -> None:
    build = Builder()
    result = lowered(build.finish(build.conv(build.sign(IMAGE), 4)))[0]
    first = result.nodes[0]
    assert (first.op, first.input, first.real) == ("pointwise", IMAGE, None)


def test_provenance_names_export_and_module() -> None:
    build = Builder()
    stem = build.stem(8)
    sign = build.sign(stem)
    conv = build.conv(sign, 8)
    normalised = build.affine(conv)
    result = _optimised(build, normalised)
    node = result.nodes[1]
    assert node.name == conv
    assert result.node_provenance[conv].export == f"fx_{conv}"
    assert result.node_provenance[conv].module == f"module.{conv}"
    assert result.tensor_provenance[LOGITS].export == f"fx_{normalised}"
    bits = result.tensor_provenance[node.input]
    assert (bits.export, bits.signed) == (f"fx_{sign}", f"fx_{stem}")


def test_refuses_signs_as_output() -> None:
    build = Builder()
    graph = build.finish(build.sign(build.stem()))
    with pytest.raises(CompileError, match=r"module\.v3 .*must end in reals"):
        lowered(graph)
