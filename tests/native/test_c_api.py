"""The C API gives what the Python engine gives, and refuses what is wrong by name."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import threading
from ctypes import byref, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.bitformat.builder import Builder
from tests.bitformat.files import raw_file
from tests.bitformat.samples import SAMPLES, confident
from tests.native import library as c
from tests.native.library import Library, LibraryError, Model, in_out
from tests.runtime.random_graphs import networks

import signbit
from signbit.bitformat import encode

DRAWN = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)


def _sample(name: str) -> bytes:
    return encode(*SAMPLES[name]())


def _batch(model: Model, samples: int, floats: bool) -> list[c.Array]:
    rng = np.random.default_rng(samples)
    arrays: list[c.Array] = []
    for tensor in model.tensors("input"):
        shape = (samples, tensor.height, tensor.width, tensor.channels)
        if tensor.kind == c.IMAGE and not floats:
            arrays.append(rng.integers(0, 256, shape, dtype=np.uint8))
        else:
            scale = 255 if tensor.kind == c.IMAGE else 1
            arrays.append((scale * rng.random(shape)).astype(np.float32))
    return arrays


def _assert_same(library: Library, data: bytes, samples: int, floats: bool, isa: str) -> None:
    engine = signbit.load(data, threads=1, isa=isa)
    model = library.load(data, threads=1, isa=isa.encode())
    arrays = _batch(model, samples, floats)
    found = model.run(samples, arrays)
    names = [tensor.name.decode() for tensor in model.tensors("input")]
    wanted = engine(arrays[0] if len(names) == 1 else dict(zip(names, arrays, strict=True)))
    results = list(wanted.values()) if isinstance(wanted, dict) else [wanted]
    assert len(results) == len(found)
    for one, other in zip(results, found, strict=True):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("isa", signbit.cpu_isas())
@pytest.mark.parametrize("name", SAMPLES)
def test_samples(library: Library, name: str, isa: str) -> None:
    for samples in (0, 1, 3):
        _assert_same(library, _sample(name), samples, False, isa)


@DRAWN
@given(st.integers(0, 2**31 - 1), st.integers(0, 5), st.booleans(), st.data())
def test_random_networks(
    library: Library, seed: int, samples: int, floats: bool, data: st.DataObject
) -> None:
    make = data.draw(st.sampled_from((networks.network, networks.several)))
    isa = data.draw(st.sampled_from(signbit.cpu_isas()))
    _assert_same(library, make(seed).data, samples, floats, isa)


def test_what_a_model_takes_and_gives(library: Library) -> None:
    data = _sample("sample")
    engine, model = signbit.load(data), library.load(data)
    image = model.tensor("input", 0)
    assert (image.kind, image.height, image.width, image.channels) == (c.IMAGE, 6, 6, 3)
    (output,) = engine.outputs
    found = model.tensor("output", 0)
    assert found.name.decode() == output.name
    assert (found.height, found.width, found.channels) == output.shape
    assert model.classes(0) == list(engine.class_names)
    assert library.c.signbit_class_name(model.handle, c_size_t(0), c_size_t(99)) is None
    assert library.c.signbit_class_name(model.handle, c_size_t(9), c_size_t(0)) is None
    assert json.loads(library.c.signbit_model_json(model.handle))["format"] == 1
    assert library.c.signbit_version().decode() == signbit.__version__
    isas = [library.c.signbit_isa(c_size_t(i)) for i in range(library.c.signbit_isa_count())]
    assert [isa.decode() for isa in isas] == list(signbit.cpu_isas())
    assert library.c.signbit_isa(c_size_t(99)) is None
    assert library.c.signbit_model_isa(model.handle).decode() == signbit.cpu_isas()[0]
    assert library.c.signbit_model_threads(library.load(data, threads=2).handle) == 2


@pytest.mark.parametrize("temperature", [1e-3, 1.0, 40.0])
def test_probabilities(library: Library, temperature: float) -> None:
    data = encode(*confident(SAMPLES["sample"](), temperature, 0.25))
    engine, model = signbit.load(data), library.load(data)
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 3)).astype(np.uint8)
    assert model.confidence(0) == (np.float32(temperature), 0.25)
    assert library.load(_sample("sample")).confidence(0) == (1, 0)
    found = model.probabilities(0, engine(images))
    wanted = [each.probabilities for each in engine.predict(images)]
    np.testing.assert_allclose(found, np.float32(wanted), rtol=1e-6, atol=1e-37)
    assert model.probabilities(0, np.zeros((0, 4), np.float32)).shape == (0, 4)
    nan = model.probabilities(0, np.float32([[np.nan, 0, 1, 2]]))
    assert np.isnan(nan).all()
    none = ctypes.c_void_p()
    arguments = (model.handle, c_size_t(0), c_int64(1), none, none)
    _refused(library, c.INPUT, "must not be null", library.call, "probabilities", *arguments)
    arguments = (model.handle, c_size_t(0), c_int64(-1), none, none)
    _refused(library, c.INPUT, "samples", library.call, "probabilities", *arguments)
    _refused(library, c.INPUT, "output", model.probabilities, 5, engine(images))
    maps = library.load(_sample("int16"))
    _refused(library, c.INPUT, "vector of reals", maps.probabilities, 1, engine(images))


def _refused(library: Library, status: int, text: str, call: Any, *arguments: Any) -> None:
    with pytest.raises(LibraryError) as caught:
        call(*arguments)
    assert caught.value.status == status
    assert text in caught.value.text
    assert "\n" not in caught.value.text


def test_files_that_are_none(library: Library, tmp_path: Path) -> None:
    data = _sample("sample")
    for size in (0, 7, 8, 100, len(data) - 1):
        with pytest.raises(LibraryError) as caught:
            library.load(data[:size])
        assert caught.value.status == c.MODEL_FILE
        assert caught.value.text
    newer = data.replace(b'\\"format\\":1', b'\\"format\\":9')
    assert newer != data
    _refused(library, c.MODEL_VERSION, "format", library.load, newer)
    missing = str(tmp_path / "none.sbnn").encode()
    handle = c_void_p()
    _refused(
        library, c.MODEL_FILE, "No such file", library.call, "load_file", missing, None,
        byref(handle),
    )  # fmt: skip
    assert handle.value is None


def test_a_file_on_disk(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "a ü.sbnn"
    path.write_bytes(_sample("sample"))
    handle = c_void_p()
    library.call("load_file", str(path).encode(), None, byref(handle))
    assert Model(library, handle).tensor("input", 0).height == 6


def test_options(library: Library) -> None:
    data = _sample("sample")
    _refused(library, c.ISA, "'mmx'", lambda: library.load(data, isa=b"mmx"))
    _refused(library, c.INPUT, "threads", lambda: library.load(data, threads=-1))
    _refused(library, c.INPUT, "height and width", lambda: library.load(data, height=6))
    _refused(library, c.INPUT, "--any-size", lambda: library.load(data, height=8, width=8))
    _refused(library, c.MODEL_FILE, "max_bytes", lambda: library.load(data, max_bytes=9))
    handle, small = c_void_p(), c.Options(8)
    arguments = ("load_memory", data, c_size_t(len(data)), byref(small), byref(handle))
    _refused(library, c.INPUT, "options.size", library.call, *arguments)


def test_null_pointers(library: Library) -> None:
    model = library.load(_sample("sample"))
    tensor = c.Tensor(ctypes.sizeof(c.Tensor))
    for name, arguments in {
        "load_file": (None, None, None),
        "load_memory": (None, c_size_t(3), None, byref(c_void_p())),
        "input": (None, c_size_t(0), byref(tensor)),
        "output": (model.handle, c_size_t(0), None),
        "fit_photo": (model.handle, c_size_t(0), None, None, c_size_t(0)),
        "context_create": (None, None),
        "run": (None, c_int64(1), None, c_size_t(1), None, c_size_t(1)),
    }.items():
        _refused(library, c.INPUT, "must not be null", library.call, name, *arguments)
    _refused(
        library, c.INPUT, "below 1, is 1", library.call, "input", model.handle, c_size_t(1),
        byref(tensor),
    )  # fmt: skip
    for name in ("model_free", "context_free", "cancel"):
        getattr(library.c, f"signbit_{name}")(None)


def test_arrays_that_do_not_fit(library: Library) -> None:
    model = library.load(_sample("sample"))
    image = np.zeros((2, 6, 6, 3), np.uint8)
    scores = np.zeros((2, 4), np.float32)
    good = [in_out(image)], [in_out(scores)]
    model.run_arrays(2, *good)
    _refused(library, c.INPUT, "bytes must be 108", model.run_arrays, 1, *good)
    _refused(library, c.INPUT, "samples", model.run_arrays, -1, *good)
    _refused(library, c.INPUT, "samples", model.run_arrays, 2**62, *good)
    _refused(library, c.INPUT, "input_count: must be 1", model.run_arrays, 2, [], good[1])
    _refused(library, c.INPUT, "output_count", model.run_arrays, 2, good[0], 2 * good[1])
    signed = [in_out(image.view(np.int8))]
    _refused(library, c.INPUT, "SIGNBIT_UINT8 or", model.run_arrays, 2, signed, good[1])
    nowhere = [c.InOut(None, scores.nbytes, c.FLOAT32)]
    _refused(library, c.INPUT, "data must not be null", model.run_arrays, 2, good[0], nowhere)
    endless = [in_out(np.full(image.shape, np.nan, np.float32))]
    _refused(library, c.INPUT, "not finite", model.run_arrays, 2, endless, good[1])


def test_many_threads_of_one_model(library: Library) -> None:
    data = _sample("operations")
    model = library.load(data, threads=1)
    arrays = _batch(model, 4, False)
    wanted = [array.tobytes() for array in model.run(4, arrays)]
    found: list[list[bytes]] = []

    def work() -> None:
        own = Model.__new__(Model)
        own.library, own.handle, own.context = library, model.handle, c_void_p()
        library.call("context_create", model.handle, byref(own.context))
        try:
            found.extend([a.tobytes() for a in own.run(4, arrays)] for _ in range(20))
        finally:
            library.c.signbit_context_free(own.context)
            own.context = own.handle = None  # type: ignore[assignment]

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 80


ALLOCATOR = """
import ctypes, sys
from ctypes import CFUNCTYPE, byref, c_size_t, c_void_p
from pathlib import Path
from tests.native.library import Library, LibraryError
import numpy as np

ALLOCATE = CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)
RELEASE = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)
held, most = {}, [0]
c = ctypes.CDLL(None)
c.aligned_alloc.restype = c_void_p

def allocate(user, size, alignment):
    if size > LIMIT:
        return None
    memory = c.aligned_alloc(c_size_t(alignment), c_size_t(-(-size // alignment) * alignment))
    assert memory % alignment == 0
    held[memory] = size
    most[0] = max(most[0], sum(held.values()))
    return memory

def release(user, memory, size):
    assert held.pop(memory) == size
    c.free(c_void_p(memory))

class Allocator(ctypes.Structure):
    _fields_ = (("size", c_size_t), ("user", c_void_p), ("a", ALLOCATE), ("r", RELEASE))

library = Library(Path(sys.argv[1]))
LIMIT = 10**9
mine = Allocator(ctypes.sizeof(Allocator), None, ALLOCATE(allocate), RELEASE(release))
library.call("set_allocator", byref(mine))
data = Path(sys.argv[2]).read_bytes()
model = library.load(data, threads=1)
model.run(1, [np.zeros((1, 6, 6, 3), np.uint8)])
assert most[0] > 500, most
try:
    library.call("set_allocator", None)
except LibraryError as error:
    assert "before a model is loaded" in error.text
else:
    raise AssertionError("an allocator was changed while its memory was in use")
model = None
assert not held, held
LIMIT = 0
try:
    library.load(data).run(1, [np.zeros((1, 6, 6, 3), np.uint8)])
except LibraryError as error:
    assert (error.status, error.text) == (5, "not enough memory")
else:
    raise AssertionError("there was memory")
assert not held, held
"""


def test_an_allocator_of_the_callers(library_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.sbnn"
    path.write_bytes(_sample("sample"))
    command = [sys.executable, "-c", ALLOCATOR, str(library_path), str(path)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])


def _wide(side: int) -> bytes:
    """A wide window, which takes scalar code long where the picture is large."""
    b = Builder(0)
    image = b.input("image", "image", side, side, 3)
    weight = b.floats(16, 21, 21, 3)
    b.output("map", b.node("stem", "real_conv", (image,), kernel=(21, 21), weight=weight))
    return raw_file(*b.sample())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("threads", [1, 2])
def test_another_thread_cancels(library: Library, threads: int) -> None:
    model = library.load(_wide(1500), threads=threads, isa=b"scalar")
    image = np.zeros((1, 1500, 1500, 3), np.uint8)
    timer = threading.Timer(0.3, library.c.signbit_cancel, (model.context,))
    timer.start()
    with pytest.raises(LibraryError) as caught:
        model.run(1, [image])
    timer.join()
    assert (caught.value.status, caught.value.text) == (c.CANCELLED, "the call was interrupted")
    # Where no call is under way nothing happens, now or later.
    small = library.load(_wide(32), threads=threads, isa=b"scalar")
    library.c.signbit_cancel(small.context)
    (found,) = small.run(1, [image[:, :32, :32].copy()])
    np.testing.assert_array_equal(found, signbit.load(_wide(32))(image[:, :32, :32]))


def test_a_context_is_for_one_call_at_a_time(library: Library) -> None:
    model = library.load(_wide(1500), threads=1, isa=b"scalar")
    image = np.zeros((1, 1500, 1500, 3), np.uint8)
    ended: list[int] = []

    def work() -> None:
        while not ended:
            try:
                model.run(1, [image])
            except LibraryError as error:
                # A call without samples may be under way at this moment: then once more.
                if "another call" not in error.text:
                    ended.append(error.status)

    thread = threading.Thread(target=work)
    thread.start()
    nothing = [c.InOut(None, 0, c.UINT8)], [c.InOut(None, 0, c.FLOAT32)]
    texts: list[str] = []
    while thread.is_alive() and not texts:
        try:
            model.run_arrays(0, *nothing)  # until the thread has begun, a call without samples
        except LibraryError as error:
            texts.append(error.text)
    library.c.signbit_cancel(model.context)
    thread.join()
    assert texts == ["context: another call is under way; use one per thread"]
    assert ended == [c.CANCELLED]
