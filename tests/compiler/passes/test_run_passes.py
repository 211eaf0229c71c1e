import numpy as np
import pytest
from tests.compiler.graphs import Builder

from signbit.compiler.ir import Graph
from signbit.compiler.passes import run_passes, show
from signbit.compiler.passes.fold.gather_affine import gather_affine
from signbit.compiler.passes.remove_dead import remove_dead
from signbit.errors import InternalError


def _two_affines() -> Builder:
    build = Builder((4, 4, 3))
    build.graph.output = build.scaled(build.scaled("image", 2, 0), 1, [1, 2, 3])
    return build


def _break(graph: Graph) -> None:
    graph.update(graph.output, inputs=("nowhere",))


def test_a_pass_that_breaks_the_graph_is_named() -> None:
    with pytest.raises(InternalError, match=r"after _break: 'v2'\.inputs\[0\]: 'nowhere'"):
        run_passes(_two_affines().graph, (_break,), check=True)


@pytest.mark.parametrize("flag", ["1", "0"])
def test_the_environment_asks_for_checks(flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNBIT_VERIFY_IR", flag)
    graph = _two_affines().graph
    if flag == "1":
        with pytest.raises(InternalError):
            run_passes(graph, (_break,))
    else:
        run_passes(graph, (_break,))


def test_what_a_pass_changes() -> None:
    graph = _two_affines().graph
    assert show(gather_affine, graph).splitlines() == [
        "gather_affine:",
        "   image: 4×4×3 = image()",
        "-  v1: 4×4×3 = identity(image) → affine scale=2, shift=0",
        "-> v2: 4×4×3 = identity(v1) → affine scale=1, shift=float64[3]",
        "+> v2: 4×4×3 = identity(image) → affine scale=2, shift=float64[3]",
    ]
    np.testing.assert_array_equal(graph["v2"].steps[0]["scale"], [2, 2, 2])


def test_a_pass_that_changes_nothing() -> None:
    shown = show(remove_dead, _two_affines().graph).splitlines()
    assert len(shown) == 4
    assert all(line[0] == " " for line in shown[1:])


def test_the_environment_names_a_pass_to_show(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGNBIT_SHOW_PASS", "gather_affine")
    graph = _two_affines().graph
    run_passes(graph, (remove_dead, gather_affine))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("gather_affine:\n")
    assert "v1" not in graph
