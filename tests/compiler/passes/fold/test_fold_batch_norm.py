import numpy as np
import pytest
from tests.compiler.graphs import Builder

from signbit.compiler.ir import IMAGE, NormParameters
from signbit.compiler.passes import fold_batch_norm
from signbit.errors import CompileError


def _norm(variance: list[float], epsilon: float) -> NormParameters:
    return NormParameters(
        weight=np.array([2.0, -1.0]),
        bias=np.array([0.5, 3.0]),
        mean=np.array([10.0, -4.0]),
        variance=np.array(variance),
        epsilon=epsilon,
    )


def test_scale_and_shift_by_hand() -> None:
    build = Builder((4, 4, 2))
    name = build.add("batch_norm", IMAGE, norm=_norm([15.0, 3.0], 1.0))
    fold_batch_norm(build.graph)
    node = build.graph[name]
    assert node.op == "pointwise"
    assert node.norm is None
    assert node.scale is not None
    assert node.shift is not None
    np.testing.assert_array_equal(node.scale, [2 / 4, -1 / 2])
    np.testing.assert_array_equal(node.shift, [0.5 - 10 * 0.5, 3 - 4 * 0.5])
    assert node.scale.dtype == np.float64


def test_refuses_a_variance_that_is_not_positive() -> None:
    build = Builder((4, 4, 2))
    build.add("batch_norm", IMAGE, norm=_norm([1.0, -1.0], 0.5))
    with pytest.raises(CompileError, match=r"module\.v1 .*variance"):
        fold_batch_norm(build.graph)
