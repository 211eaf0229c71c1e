"""Inside a model by the C API: nodes, their times, tensors between them, what a model takes."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from ctypes import c_int32, c_int64, c_size_t
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.bitformat.samples import SAMPLES
from tests.native import library as c
from tests.native.library import Library, LibraryError, Model, Value, in_out
from tests.native.test_c_api import _batch, _refused, _sample, _wide

import signbit
from signbit.runtime import _native

_KINDS = {"image": c.IMAGE, "real": c.REALS, "bits": c.SIGNS}
_DTYPES = {"image": np.uint8, "real": np.float32, "bits": np.uint8}


@pytest.mark.parametrize("name", SAMPLES)
def test_nodes_and_tensors(library: Library, name: str) -> None:
    data = _sample(name)
    engine, model = signbit.load(data, threads=1), library.load(data, threads=1)
    tensors = engine._model.tensors
    assert library.c.signbit_tensor_count(model.handle) == len(tensors)
    for number, (kind, shape) in enumerate(tensors):
        found = model.tensor("graph_tensor", number)
        assert (found.kind, found.classes) == (_KINDS[kind], 0)
        assert (found.height, found.width, found.channels) == shape
        names = [each.name for each in engine.inputs]
        assert found.name.decode() == (names[number] if number < len(names) else "")
    for node, report in zip(model.nodes(), engine.explain(), strict=True):
        assert node.name.decode() == report["name"]
        assert node.op.decode() == report["op"]
        assert node.kernel.decode() == report["kernel"]
        assert (node.bytes, node.macs) == (report["memory_bytes"], report["macs"])


@pytest.mark.parametrize("isa", signbit.cpu_isas())
@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("samples", [0, 1, 3])
def test_every_tensor_and_sum(library: Library, name: str, isa: str, samples: int) -> None:
    """All at once, given the inputs; then each node alone, given what it reads."""
    data = _sample(name)
    engine = signbit.load(data, threads=1, isa=isa)
    model = library.load(data, threads=1, isa=isa.encode())
    arrays = _batch(model, samples, False)
    tensors = engine._model.tensors
    fetches: list[int | str] = [*range(len(arrays), len(tensors))]
    numbers = [(number, 0) for number in fetches]
    found = [np.empty((samples, *shape), _DTYPES[kind]) for kind, shape in tensors[len(arrays) :]]
    for number, node in enumerate(model.nodes()):
        if node.sums_height:
            shape = (samples, node.sums_height, node.sums_width, node.sums_channels)
            fetches.append(f"{node.name.decode()}#dots")
            numbers.append((number, 1))
            found.append(np.empty(shape, np.int32))
    wanted = engine.run_nodes(dict(enumerate(arrays)), fetches)
    feeds = [Value(number, 0, in_out(array)) for number, array in enumerate(arrays)]
    values = [
        Value(number, is_sums, in_out(array))
        for (number, is_sums), array in zip(numbers, found, strict=True)
    ]
    model.run_nodes(samples, feeds, values)
    for fetch, array in zip(fetches, found, strict=True):
        assert wanted[fetch].tobytes() == array.tobytes()
    everything = [*feeds, *(value for value in values if not value.is_sums)]
    for value, array in zip(values, found, strict=True):
        again = np.empty_like(array)
        others = [one for one in everything if value.is_sums or one.number != value.number]
        model.run_nodes(samples, others, [Value(value.number, value.is_sums, in_out(again))])
        assert again.tobytes() == array.tobytes()


def test_values_that_are_wrong(library: Library) -> None:
    model = library.load(_sample("sample"))
    image = np.zeros((2, 6, 6, 3), np.uint8)
    feed = Value(0, 0, in_out(image))
    nodes = model.nodes()
    tensors = library.c.signbit_tensor_count(model.handle)
    result = in_out(np.zeros(10_000, np.uint8))
    with_sums = next(i for i, node in enumerate(nodes) if node.sums_height)
    without = next(i for i, node in enumerate(nodes) if not node.sums_height)

    def refused(text: str, feeds: Any, fetches: Any, samples: int = 2) -> None:
        _refused(library, c.INPUT, text, model.run_nodes, samples, feeds, fetches)

    refused("samples: must not be negative", [feed], [], -1)
    refused("feeds[0]: bytes must be 108, is 216", [feed], [], 1)
    refused("samples: no array has so many", [feed], [], 2**62)
    refused("feeds[1]: is_sums", [feed, Value(with_sums, 1, result)], [])
    refused(f"feeds[0]: number: must be below {tensors}", [Value(2**63, 0, result)], [])
    refused(
        "feeds[0]: type must be SIGNBIT_UINT8 or", [Value(0, 0, in_out(image.view(np.int8)))], []
    )
    refused("feeds[0]: data must not be null", [Value(0, 0, c.InOut(None, 216, c.UINT8))], [])
    refused("fetches[0]: number: an input", [feed], [feed])
    refused(f"fetches[0]: number: must be below {tensors}", [feed], [Value(tensors, 0, result)])
    refused(f"fetches[0]: number: {without} is no node", [feed], [Value(without, 1, result)])
    refused("fetches[0]: number: 99 is no node", [feed], [Value(99, 1, result)])
    refused("fetches[0]: type must be SIGNBIT_INT32", [feed], [Value(with_sums, 1, result)])
    endless = np.full(image.shape, np.nan, np.float32)
    refused("not finite", [Value(0, 0, in_out(endless))], [])
    last = np.zeros((2, 4), np.float32)
    refused("feeds: the fetches need the input 'image'", [], [Value(tensors - 1, 0, in_out(last))])


def test_times(library: Library) -> None:
    model = library.load(_sample("sample"), threads=1)
    image = in_out(np.zeros((2, 6, 6, 3), np.uint8))
    for samples, inputs in ((0, []), (2, [image])):
        for found, node in zip(model.times(samples, inputs, 3), model.nodes(), strict=True):
            assert found.milliseconds > 0
            assert found.threads == 1
            assert (found.limit > 0) == (node.op in (b"binary_conv", b"real_conv"))
    _refused(library, c.INPUT, "runs: must be at least 1", model.times, 2, [image], 0)
    _refused(library, c.INPUT, "bytes must be 108", model.times, 1, [image], 1)
    _refused(library, c.INPUT, "samples: must not be negative", model.times, -1, [image], 1)
    _refused(library, c.INPUT, "input_count: must be 1", model.times, 2, [], 1)
    one = (c.Time * 1)()
    arguments = (model.context, c_int64(0), None, c_size_t(0), c_int32(1), one, c_size_t(1))
    _refused(library, c.INPUT, "time_count: must be", library.call, "time_nodes", *arguments)


def test_sizes(library: Library) -> None:
    data = _sample("sample")
    model = library.load(data, threads=1, max_bytes=100_000)
    held = _native.Model.load(data, 1, "").size
    sizes = model.sizes()
    assert sizes.constant_bytes == held["constants"][1]
    assert sizes.tensor_bytes == held["arena"][1]
    assert sizes.scratch_bytes == held["scratch"][1]
    assert sizes.operations == int(held["operations"])
    assert sizes.most_samples == 100_000 // 16
    library.call("check_samples", model.handle, c_int64(6250))
    for samples, text in ((6251, "the results of 6251 samples take"), (-1, "samples: must")):
        _refused(
            library, c.INPUT, text, library.call, "check_samples", model.handle, c_int64(samples)
        )
    threads = library.c.signbit_available_threads()
    assert library.c.signbit_model_threads(library.load(data).handle) == threads


def test_structs_must_have_a_size(library: Library) -> None:
    model = library.load(_sample("sample"))
    for name, struct, arguments in (
        ("graph_tensor", c.Tensor(8), (c_size_t(0),)),
        ("graph_node", c.Node(8), (c_size_t(0),)),
        ("model_sizes", c.Sizes(8), ()),
    ):
        for given, text in ((ctypes.byref(struct), ".size: must be sizeof"), (None, "null")):
            _refused(library, c.INPUT, text, library.call, name, model.handle, *arguments, given)
    node = c.Node(ctypes.sizeof(c.Node))
    _refused(
        library, c.INPUT, "number: must be below", library.call, "graph_node", model.handle,
        c_size_t(99), ctypes.byref(node),
    )  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "call",
    [
        lambda model, image: model.run(1, [image]),
        lambda model, image: model.times(1, [in_out(image)], 1),
        lambda model, image: model.run_nodes(
            1,
            [Value(0, 0, in_out(image))],
            [Value(1, 0, in_out(np.empty((1, 1480, 1480, 16), np.float32)))],
        ),
    ],
    ids=["run", "time_nodes", "run_nodes"],
)
def test_a_host_is_asked(
    library: Library, threads: int, call: Callable[[Model, c.Array], object]
) -> None:
    asked: list[int] = []
    user: Any = 7

    @c.IS_CANCELLED
    def is_cancelled(given: int) -> int:
        asked.append(given)
        return len(asked) > 1

    model = library.load_until(_wide(1500), is_cancelled, user=user, threads=threads, isa=b"scalar")
    start = time.process_time()
    with pytest.raises(LibraryError) as caught:
        call(model, np.zeros((1, 1500, 1500, 3), np.uint8))
    assert (caught.value.status, caught.value.text) == (c.CANCELLED, "the call was interrupted")
    assert asked == [7, 7]
    assert time.process_time() - start < threads


def test_texts_of_any_length(library: Library, tmp_path: Path) -> None:
    missing = "/".join([*tmp_path.parts[1:], *["é" * 100] * 15])
    handle = ctypes.c_void_p()
    with pytest.raises(LibraryError) as caught:
        library.call("load_file", f"/{missing}\n.sbnn".encode(), None, ctypes.byref(handle))
    assert caught.value.text == f"/{missing} .sbnn: No such file or directory"
