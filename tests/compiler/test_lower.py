import numpy as np
import pytest
from tests.compiler.file_nodes import has, kinds, signs, step, step_ops, written
from tests.compiler.graphs import SHIFTS, Builder, answers, compare_with_zero, lowered

from signbit.bitformat.graph import Output
from signbit.bitformat.taps import axis_taps
from signbit.compiler.ir import IMAGE
from signbit.compiler.lower import Lowered, lower
from signbit.compiler.passes import remove_dead
from signbit.compiler.passes.merge.fuse_epilogue import fuse_epilogue
from signbit.compiler.passes.signs.thresholds import thresholds
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
    assert [kinds(node) for node in result.nodes] == [["signs"], ["signs"], ["real"]]
    assert result.outputs == {"logits": 3}
    # Nor is the maths computed that the comparison replaces.
    assert result.nodes[1].steps == ()
    threshold = result.constants[str(signs(result.nodes[1])[0].threshold)]
    assert threshold.dtype == np.int32


def test_reals_and_signs_of_one_node() -> None:
    build = Builder()
    stem = build.stem(8)
    unit = build.plus(build.affine(build.conv(build.sign(stem), 8)), stem)
    result = _optimised(build, unit)
    first, second = result.nodes
    assert kinds(first) == ["real", "signs"]
    real, bits = written(result.nodes)[first.name]
    assert second.inputs == (bits, real)
    assert step(second, "add")["input"] == 1


def test_signs_that_compare_with_zero_need_no_constants() -> None:
    build = Builder()
    value = build.stem(8)
    for _ in range(3):
        value = build.plus(build.conv(build.sign(value), 8), value)
    result = _optimised(build, value)
    outputs = [sign for node in result.nodes for sign in signs(node)]
    assert outputs == [Output("signs")] * 3


def test_integers_are_compared_with_zero_as_integers() -> None:
    """What is left out is a comparison of reals."""
    build = Builder()
    result = _optimised(build, build.conv(build.sign(build.conv(build.sign(build.stem()), 8)), 8))
    (output,) = signs(result.nodes[1])
    threshold = result.constants[str(output.threshold)]
    assert (threshold.dtype, threshold.tolist()) == (np.int32, [0] * 8)
    assert output.flip is None


def test_equal_constants_are_one() -> None:
    build = Builder()
    value = build.stem(8)
    scale, shift = np.full(8, 0.5), build.random.choice(SHIFTS, 8)
    for _ in range(3):
        value = build.conv(value, 8)
        value = build.scaled(value, scale, shift)
    result = _optimised(build, value)
    affines = [step(node, "affine") for node in result.nodes[1:]]
    assert len({affine["scale"] for affine in affines}) == 1
    assert len({affine["shift"] for affine in affines}) == 1
    assert affines[0]["scale"] != affines[0]["shift"]
    # Numbers without a gap, of arrays that all differ.
    assert list(result.constants) == [str(number) for number in range(len(result.constants))]
    arrays = [(a.dtype, a.shape, a.tobytes()) for a in result.constants.values()]
    assert len(set(arrays)) == len(arrays)


def test_signs_of_integers_follow_no_step() -> None:
    build = Builder()
    conv = build.conv(build.sign(build.stem()), 4)
    binary = build.conv(build.sign(build.affine(conv, positive=True)), 4)
    active = build.activation(build.affine(conv), "hardtanh")
    result = _optimised(build, build.plus(binary, active))
    node = result.nodes[1]
    assert step_ops(node) == ["affine", "hardtanh"]
    assert [(output.kind, output.after) for output in node.outputs] == [
        ("real", None),
        ("signs", 0),
    ]


def test_steps_stand_in_the_order_of_an_epilogue() -> None:
    build = Builder()
    stem = build.stem(8)
    conv = build.conv_with("sums", build.sign(stem), 8, groups=2)
    active = build.activation(build.plus(conv, stem), "prelu", 0.3)
    result = _optimised(build, build.affine(build.activation(active, "hardtanh")))
    assert step_ops(result.nodes[2]) == ["affine", "add", "add", "prelu"]
    affine, sums, shortcut, _ = result.nodes[2].steps
    assert list(affine.keys) == ["scale", "shift"]
    assert dict(sums.keys) == {"input": 1, "repeat": "each", "weighted": sums["weighted"]}
    assert dict(shortcut.keys) == {"input": 2}
    names = written(result.nodes)
    real, bits = names[result.nodes[0].name]
    assert result.nodes[2].inputs == (bits, *names[result.nodes[1].name], real)


def test_what_a_node_adds_may_be_what_it_reads() -> None:
    build = Builder()
    stem = build.stem(8)
    result = lowered(build.finish(build.plus(stem, stem)))[0]
    last = result.nodes[-1]
    assert (last.op, last.inputs, step(last, "add")["input"]) == ("identity", (2,), 0)


def test_defaults_are_left_out() -> None:
    build = Builder()
    conv = build.conv(build.sign(build.stem(4)), 8, 1, padding=0)
    result = lowered(build.finish(conv))[0]
    assert list(result.nodes[-1].keys) == ["weight"]
    assert result.nodes[-1].outputs == (Output(),)
    assert list(result.nodes[0].keys) == ["kernel", "padding", "weight"]
    assert result.nodes[0]["padding"] == (1, 1, 1, 1)


def test_convolutions_of_different_groups_get_bits_of_their_own() -> None:
    build = Builder()
    sign = build.sign(build.stem(8))
    whole = build.conv(sign, 8)
    halves = build.conv(sign, 8, groups=2)
    quarters = build.conv(sign, 8, groups=4)
    total = build.plus(build.plus(whole, halves), quarters)
    graph = build.finish(total)
    result = lowered(graph)[0]
    convolutions = [node for node in result.nodes if node.op == "binary_conv"]
    readers = {node["groups"]: node.inputs[0] for node in convolutions}
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
    nodes = [node for node in lower(graph).nodes if node.op in ("sign_sum", "binary_conv")]
    for groups in (2, 4):
        inputs = {node.op: node.inputs[0] for node in nodes if node["groups"] == groups}
        assert inputs["sign_sum"] == inputs["binary_conv"]
    answers(graph)


def test_real_convolutions_read_whatever_bits_there_are() -> None:
    """Their groups need no alignment."""
    build = Builder()
    sign = build.sign(build.stem(8))
    binary = build.conv(sign, 8, groups=2)
    weight = build.random.normal(0, 1, (8, 3, 3, 2))
    keys = build.graph[binary].keys | {"groups": 4, "weight": weight}
    real = build.add("real_conv", sign, shape=build.graph[binary].shape, **keys)
    graph = build.finish(build.plus(real, binary))
    nodes = [node for node in lowered(graph)[0].nodes if node.op.endswith("_conv")]
    assert len({node.inputs[0] for node in nodes if node["groups"] in (2, 4)}) == 1
    answers(graph)


@pytest.mark.parametrize("part", ["map", "sums", "shift"])
def test_what_a_binary_convolution_adds_to_its_dots(part: str) -> None:
    build = Builder()
    conv = build.conv_with(part, build.sign(build.stem(4)), 8, groups=2)
    result = lowered(build.finish(conv))[0]
    last, before = result.nodes[-1], result.nodes[-2]
    if part == "map":
        assert last.inputs[1:] == tuple(written(result.nodes)[before.name])
        assert dict(step(last, "multiply").keys) == {"input": 1, "repeat": "tile"}
    elif part == "sums":
        assert last.inputs[1:] == tuple(written(result.nodes)[before.name])
        added = step(last, "add")
        assert (added["input"], added["repeat"]) == (1, "each")
        assert result.constants[str(added["weighted"])].shape == (8,)
    else:
        affine = step(last, "affine")
        assert result.constants[str(affine["shift"])].shape == (3, 3, 8)
        taps = axis_taps(6, 3, 1, 1, 1).sets
        assert (affine["row_taps"], affine["column_taps"]) == (taps, taps)


def test_a_pool_of_bits_writes_bits() -> None:
    build = Builder()
    pooled = build.max_pool(build.sign(build.stem(8)))
    result = lowered(build.finish(build.conv(pooled, 4)))[0]
    pool = next(node for node in result.nodes if node.op == "max_pool")
    assert pool.outputs == (Output("signs"),)
    assert not has(pool, "affine")


def test_signs_of_the_image_get_a_node() -> None:
    build = Builder()
    result = lowered(build.finish(build.conv(build.sign(IMAGE), 4)))[0]
    first = result.nodes[0]
    assert (first.op, first.inputs, kinds(first)) == ("identity", (0,), ["signs"])


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
    assert result.tensor_provenance[result.outputs["logits"]].export == f"fx_{normalised}"
    bits = result.tensor_provenance[node.inputs[0]]
    assert (bits.export, bits.signed) == (f"fx_{sign}", f"fx_{stem}")


def test_refuses_signs_as_output() -> None:
    build = Builder()
    graph = build.finish(build.sign(build.stem()))
    with pytest.raises(CompileError, match=r"module\.v3 .*must end in reals"):
        lowered(graph)
