import numpy as np
from tests.compiler.graphs import Builder, answers, ops

from signbit.compiler.passes import remove_dead
from signbit.compiler.passes.signs.read_bits import read_bits


def test_a_real_convolution_reads_the_bits_with_the_same_answers() -> None:
    build = Builder((7, 6, 3))
    sign = build.sign(build.stem())
    conv = build.conv(build.values(sign), 4)
    graph = build.finish(build.affine(conv))
    before = answers(graph)
    read_bits(graph)
    remove_dead(graph)
    assert graph[conv].input == sign
    assert ops(graph) == ["image", "real_conv", "identity", "sign", "real_conv", "identity"]
    np.testing.assert_array_equal(answers(graph), before)


def test_others_keep_the_values() -> None:
    build = Builder((7, 6, 3))
    values = build.values(build.sign(build.stem()))
    graph = build.finish(build.plus(build.conv(values, 5), values))
    before = answers(graph)
    read_bits(graph)
    assert graph[graph.output].inputs[1] == values
    np.testing.assert_array_equal(answers(graph), before)


def test_a_real_convolution_of_reals_stays() -> None:
    build = Builder((7, 6, 3))
    stem = build.stem()
    conv = build.conv(build.affine(stem), 4)
    graph = build.finish(conv)
    source = graph[conv].input
    read_bits(graph)
    assert graph[conv].input == source


def test_the_sign_of_a_sign_is_the_sign() -> None:
    build = Builder((7, 6, 3))
    sign = build.sign(build.stem())
    again = build.sign(build.values(sign))
    conv = build.conv(again, 4)
    graph = build.finish(conv)
    before = answers(graph)
    read_bits(graph)
    remove_dead(graph)
    assert again not in graph
    assert graph[conv].input == sign
    np.testing.assert_array_equal(answers(graph), before)
