"""Files from strangers: one clear error each, nothing executed, nothing written, memory bounded."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.exchange.onnx.reading.graphs import Graph, helper, numpy_helper, onnx, signs

from signbit.errors import CheckpointError, CompileError, SignbitError
from signbit.exchange.onnx.reading import file as reading
from signbit.exchange.onnx.reading import import_onnx, read_onnx

ONE = np.float32(1)


def plain() -> Graph:
    graph = Graph((1, 1, 4, 4))
    graph.then("Flatten")
    graph.then("MatMul", signs((16, 3)))
    return graph


def model() -> Any:
    return plain().model()


def external(path: str) -> Callable[[Any], None]:
    def change(given: Any) -> None:
        tensor = given.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=path)

    return change


def ring(given: Any) -> None:
    given.graph.node[0].input[0] = given.graph.node[1].output[0]


def own_input(given: Any) -> None:
    given.graph.node[1].input[0] = given.graph.node[1].output[0]


def clash(given: Any) -> None:
    given.graph.node[1].output[0] = given.graph.node[0].output[0]


def clash_with_a_tensor(given: Any) -> None:
    given.graph.node[0].output[0] = given.graph.initializer[0].name


def two_tensors(given: Any) -> None:
    given.graph.initializer.append(given.graph.initializer[0])


def absurd_dims(given: Any) -> None:
    given.graph.initializer[0].dims[:] = [1 << 40, 1 << 40]


def negative_dims(given: Any) -> None:
    given.graph.initializer[0].dims[:] = [-4, -12]


def text(given: Any) -> None:
    given.graph.initializer[0].data_type = onnx.TensorProto.STRING


def branch(given: Any) -> None:
    body = helper.make_graph([], "inner", [], [])
    given.graph.node.append(
        helper.make_node("If", ["x"], ["z"], then_branch=body, else_branch=body)
    )


def two_inputs(given: Any) -> None:
    given.graph.input.append(helper.make_tensor_value_info("second", 1, [1]))


def no_output(given: Any) -> None:
    given.graph.output[0].name = "elsewhere"


def half_input(given: Any) -> None:
    given.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16


def sparse(given: Any) -> None:
    given.graph.sparse_initializer.add()


def many_nodes(given: Any) -> None:
    node = given.graph.node[0]
    given.graph.node.extend([node] * 20_001)


CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "external data": (external("weights.bin"), "no other file is opened"),
    "external data outside": (external("../../etc/passwd"), "no other file is opened"),
    "a ring": (ring, "which only a later node yields: they form a ring"),
    "a ring of one": (own_input, "they form a ring"),
    "names that clash": (clash, "a name that another value has"),
    "a tensor's name": (clash_with_a_tensor, "a name that another value has"),
    "two tensors of a name": (two_tensors, "two of its tensors have the name"),
    "absurd sizes": (absurd_dims, "but holds 48 values"),
    "negative sizes": (negative_dims, "but holds 48 values"),
    "text": (text, "of a type that is not read"),
    "a branch": (branch, "holds a graph, or several tensors"),
    "two inputs": (two_inputs, "has 2 inputs and 1 outputs"),
    "no such output": (no_output, "no node yields its output elsewhere"),
    "half": (half_input, "neither float32 nor uint8"),
    "sparse": (sparse, "has sparse tensors"),
    "many nodes": (many_nodes, "has 20,003 nodes; at most 20,000"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_files(name: str, tmp_path: Path) -> None:
    change, message = CHANGES[name]
    given = model()
    change(given)
    (tmp_path / "x.onnx").write_bytes(given.SerializeToString())
    with pytest.raises(CheckpointError) as caught:
        import_onnx(tmp_path / "x.onnx", tmp_path / "run")
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "x.onnx"))
    assert not (tmp_path / "run").exists()


def test_cut_short(tmp_path: Path) -> None:
    """At any place: an error of signbit's own, or, where only the end is missing, the network."""
    data = model().SerializeToString()
    for length in range(0, len(data), 7):
        (tmp_path / "x.onnx").write_bytes(data[:length])
        with pytest.raises(SignbitError):
            import_onnx(tmp_path / "x.onnx", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_changed_bytes(tmp_path: Path) -> None:
    """Every fifth byte, changed: the network, or an error of signbit's own."""
    data = bytearray(model().SerializeToString())
    for place in range(0, len(data), 5):
        changed = data.copy()
        changed[place] ^= 0x55
        (tmp_path / "x.onnx").write_bytes(changed)
        try:
            read_onnx(tmp_path / "x.onnx")
        except SignbitError:
            continue


def test_other_kinds_of_files(tmp_path: Path) -> None:
    for content in (b"", b"\x80\x02}q\x00.", b"PK\x03\x04", b'{"a": 1}', b"\xff" * 1000):
        (tmp_path / "x.onnx").write_bytes(content)
        with pytest.raises(CheckpointError, match="not a readable ONNX file"):
            read_onnx(tmp_path / "x.onnx")
    with pytest.raises(CheckpointError, match="no such file"):
        import_onnx(tmp_path / "none.onnx", tmp_path / "run")


def test_nested_too_deeply(tmp_path: Path) -> None:
    """A graph in an attribute of a node of a graph, and so on: the parser ends it."""
    body = b""
    for _ in range(2000):
        for tag in (b"\x32", b"\x2a", b"\x0a"):  # attribute's graph, node's attribute, graph's node
            body = tag + _varint(len(body)) + body
    (tmp_path / "x.onnx").write_bytes(b"\x3a" + _varint(len(body)) + body)
    with pytest.raises(CheckpointError, match="nested too deeply"):
        read_onnx(tmp_path / "x.onnx")


def _varint(number: int) -> bytes:
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    return bytes([*result, number])


def test_a_file_of_2_gb_is_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "x.onnx").open("wb") as file:
        file.truncate((1 << 31) + 1)  # a hole: no disk is used
    with pytest.raises(CheckpointError, match=r"has 2,147,483,649 bytes; ONNX files of up to"):
        read_onnx(tmp_path / "x.onnx")


def doubled(graph: Graph) -> None:
    last = graph.add("Constant", value_floats=[1.0])
    for _ in range(60):
        last = graph.add("Concat", last, last, axis=0)


def squared(graph: Graph) -> None:
    side = graph.add("ConstantOfShape", np.array([1, 8000], np.int64))
    graph.add("Add", side, graph.add("Reshape", side, np.array([8000, 1], np.int64)))
    for _ in range(20):
        graph.add("Mul", graph.last, graph.last)


FLOODS: dict[str, tuple[Callable[[Graph], None], str]] = {
    "a shape": (
        lambda g: g.add("ConstantOfShape", np.array([1 << 31, 1 << 31], np.int64)) and None,
        "is absurd",
    ),
    "an expansion": (
        lambda g: g.add("Expand", ONE, np.array([1 << 20, 1 << 20], np.int64)) and None,
        "is absurd",
    ),
    "doubled again and again": (doubled, "is absurd"),
    "large ones again and again": (squared, "take more than 1 GiB"),
    "a pad": (
        lambda g: g.then("Pad", np.array([0, 0, 0, 0, 0, 0, 1 << 30, 1 << 30], np.int64)) and None,
        "which is absurd",
    ),
}


@pytest.mark.parametrize("name", FLOODS)
def test_memory_is_bounded(name: str, tmp_path: Path) -> None:
    write, message = FLOODS[name]
    graph = Graph((1, 1, 4, 4))
    write(graph)
    graph.add("Relu", "x")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CompileError, match=message):
        read_onnx(graph.save(tmp_path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2_500_000  # KiB


def test_names_are_shown_as_text_and_are_no_paths(tmp_path: Path) -> None:
    graph = plain()
    evil = "../../x\x1b[31m" + "y" * 500
    graph.nodes[1].name = evil
    network = read_onnx(graph.save(tmp_path))
    (name,) = [node.name for node in network.nodes if node.op == "binary_linear"]
    assert name.isidentifier()
    assert len(name) <= 80
    graph.nodes[1].op_type = evil
    with pytest.raises(CompileError) as caught:
        read_onnx(graph.save(tmp_path))
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_names_of_modules_own(tmp_path: Path) -> None:
    graph = Graph((1, 1, 4, 4))
    for name in ("forward", "training", "image", "state_dict", "", "5", "_modules", "forward"):
        graph.then("Relu")
        graph.nodes[-1].name = name
    graph.then("Flatten")
    run = import_onnx(graph.save(tmp_path), tmp_path / "run")
    assert len([*run.model.children()]) == 9


def test_without_onnx_it_says_what_to_install(monkeypatch: Any, tmp_path: Path) -> None:
    path = plain().save(tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(SignbitError, match=r"pip install 'signbit\[onnx\]'"):
        reading.read_file(path)


@pytest.mark.slow
def test_signbit_is_imported_without_onnx() -> None:
    code = "import signbit.exchange.published, sys; assert 'onnx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_type_of_tensor(tmp_path: Path) -> None:
    """Stored raw or by field, big numbers among them."""
    for kind in (np.float16, np.float64, np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_):
        array = np.array([[1, 0, 1]], kind)
        for raw in (True, False):
            graph = Graph((1, 1, 1, 3))
            tensor = numpy_helper.from_array(array, "t")
            if not raw:
                number = helper.np_dtype_to_tensor_dtype(array.dtype)
                tensor = helper.make_tensor("t", number, array.shape, array.flatten().tolist())
            graph.constants.append(tensor)
            graph.add("Add", "x", graph.add("Cast", "t", to=1))
            graph.then("Flatten")
            network = read_onnx(graph.save(tmp_path))
            (value,) = network.state.values()
            assert value.flatten().tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("op", "inputs", "attributes"),
    [
        ("Gemm", ("constant", "image"), {}),
        ("Squeeze", ("constant", "image"), {}),
        ("Unsqueeze", ("constant", "image"), {}),
        ("Reshape", ("constant", "image"), {}),
        ("MatMul", ("constant", "image"), {}),
        ("Concat", ("constant", "image"), {"axis": 1}),
        ("Where", ("image", "constant", "image"), {}),
    ],
)
def test_a_constant_where_the_image_is_expected_is_refused_by_name(
    op: str, inputs: tuple[str, ...], attributes: dict[str, Any], tmp_path: Path
) -> None:
    given = model()
    node = given.graph.node[1]
    names = {"constant": given.graph.initializer[0].name, "image": given.graph.node[0].output[0]}
    chosen = [names[each] for each in inputs]
    node.CopyFrom(helper.make_node(op, chosen, [*node.output], name="odd", **attributes))
    path = tmp_path / "odd.onnx"
    path.write_bytes(given.SerializeToString())
    with pytest.raises(CompileError, match=rf"odd \({op}\)"):
        read_onnx(path)
