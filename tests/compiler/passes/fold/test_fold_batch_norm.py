import numpy as np
from tests.compiler.file_nodes import step
from tests.compiler.graphs import Builder

from signbit.compiler.passes.fold.fold_batch_norm import fold_batch_norm


def _norm(build: Builder, variance: list[float], epsilon: float) -> str:
    return build.add(
        "batch_norm",
        build.stem(2),
        weight=np.array([2.0, -1.0]),
        bias=np.array([0.5, 3.0]),
        mean=np.array([10.0, -4.0]),
        variance=np.array(variance),
        epsilon=epsilon,
    )


def test_scale_and_shift_by_hand() -> None:
    build = Builder((4, 4, 2))
    name = _norm(build, [15.0, 3.0], 1.0)
    fold_batch_norm(build.graph)
    node = build.graph[name]
    assert (node.op, node.keys) == ("identity", {})
    affine = step(node, "affine")
    np.testing.assert_array_equal(affine["scale"], [2 / 4, -1 / 2])
    np.testing.assert_array_equal(affine["shift"], [0.5 - 10 * 0.5, 3 - 4 * 0.5])
    assert affine["scale"].dtype == np.float64
