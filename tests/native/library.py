"""libsignbit through ctypes: the structs of signbit.h, and a model's inputs and outputs as arrays.

The header is what a C program sees; the tests of examples/ hold it to a C compiler. Here every
function is called with what a program may get wrong.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import (
    POINTER,
    byref,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_void_p,
)
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

OK, MODEL_FILE, MODEL_VERSION, INPUT, ISA, MEMORY, CANCELLED = range(7)
IMAGE, REALS, SIGNS = range(3)
UINT8, INT8, FLOAT32, INT32 = range(4)

_TYPES = {UINT8: np.uint8, INT8: np.int8, FLOAT32: np.float32, INT32: np.int32}
_RESULTS = {REALS: np.float32, SIGNS: np.int8}

Array = npt.NDArray[Any]


IS_CANCELLED = ctypes.CFUNCTYPE(c_int32, c_void_p)


class Options(ctypes.Structure):
    """Those of version 1; a library of a later one takes them, too."""

    _fields_ = (
        ("size", c_size_t),
        ("threads", c_int32),
        ("isa", c_char_p),
        ("height", c_int64),
        ("width", c_int64),
        ("max_bytes", c_int64),
        ("max_operations", c_int64),
    )


class AllOptions(Options):
    _fields_ = (("is_cancelled", IS_CANCELLED), ("user", c_void_p))


class Tensor(ctypes.Structure):
    """That of version 2; a library of a later one takes it, too."""

    _fields_ = (
        ("size", c_size_t),
        ("name", c_char_p),
        ("kind", c_int),
        ("height", c_int64),
        ("width", c_int64),
        ("channels", c_int64),
        ("classes", c_size_t),
    )


class WholeTensor(Tensor):
    _fields_ = (("temperature", c_float), ("least_probability", c_float))


class Photo(ctypes.Structure):
    _fields_ = (
        ("size", c_size_t),
        ("pixels", c_void_p),
        ("height", c_int64),
        ("width", c_int64),
        ("channels", c_int64),
        ("row_bytes", c_int64),
    )


class InOut(ctypes.Structure):
    _fields_ = (("data", c_void_p), ("bytes", c_size_t), ("type", c_int))


class Sizes(ctypes.Structure):
    _fields_ = (
        ("size", c_size_t),
        ("constant_bytes", c_int64),
        ("tensor_bytes", c_int64),
        ("scratch_bytes", c_int64),
        ("operations", c_int64),
        ("most_samples", c_int64),
    )


class Node(ctypes.Structure):
    _fields_ = (
        ("size", c_size_t),
        ("name", c_char_p),
        ("op", c_char_p),
        ("kernel", c_char_p),
        ("bytes", c_int64),
        ("macs", c_int64),
        ("sums_height", c_int64),
        ("sums_width", c_int64),
        ("sums_channels", c_int64),
    )


class Time(ctypes.Structure):
    _fields_ = (("milliseconds", c_double), ("threads", c_int32), ("limit", c_double))


class Value(ctypes.Structure):
    _fields_ = (("number", c_size_t), ("is_sums", c_int32), ("array", InOut))


class LibraryError(Exception):
    """A status that is not OK, and its text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text


class Library:
    """The shared library; `call` raises where a function's status is not OK."""

    def __init__(self, path: Path) -> None:
        self.c = ctypes.CDLL(str(path))
        for name in ("version", "error_text", "isa", "model_isa", "model_json", "class_name"):
            getattr(self.c, f"signbit_{name}").restype = c_char_p
        for name in (
            "isa_count",
            "input_count",
            "output_count",
            "tensor_count",
            "node_count",
        ):
            getattr(self.c, f"signbit_{name}").restype = c_size_t
        for name in ("model_free", "context_free", "cancel"):
            getattr(self.c, f"signbit_{name}").restype = None

    def call(self, name: str, *arguments: Any) -> None:
        status = getattr(self.c, f"signbit_{name}")(*arguments)
        if status != OK:
            raise LibraryError(status, self.c.signbit_error_text().decode())

    def load(self, data: bytes, **options: Any) -> Model:
        handle = c_void_p()
        given = Options(ctypes.sizeof(Options), **options)
        self.call("load_memory", data, c_size_t(len(data)), byref(given), byref(handle))
        return Model(self, handle)

    def load_until(self, data: bytes, is_cancelled: Any, **options: Any) -> Model:
        """The same; is_cancelled: an IS_CANCELLED, which must live as long as the model."""
        handle = c_void_p()
        given = AllOptions(ctypes.sizeof(AllOptions), is_cancelled=is_cancelled, **options)
        self.call("load_memory", data, c_size_t(len(data)), byref(given), byref(handle))
        return Model(self, handle)


class Model:
    """A loaded model with one context. Freed with it."""

    def __init__(self, library: Library, handle: c_void_p) -> None:
        self.library, self.handle, self.context = library, handle, c_void_p()
        library.call("context_create", handle, byref(self.context))

    def __del__(self) -> None:
        self.library.c.signbit_context_free(self.context)
        self.library.c.signbit_model_free(self.handle)

    def tensor(self, what: str, index: int) -> Tensor:
        """`what`: "input", "output" or "graph_tensor"."""
        found = Tensor(ctypes.sizeof(Tensor))
        self.library.call(what, self.handle, c_size_t(index), byref(found))
        return found

    def confidence(self, output: int) -> tuple[float, float]:
        """The temperature and the least probability of an output."""
        found = WholeTensor(ctypes.sizeof(WholeTensor))
        self.library.call("output", self.handle, c_size_t(output), byref(found))
        return found.temperature, found.least_probability

    def probabilities(self, output: int, scores: npt.NDArray[np.float32]) -> Array:
        """Of scores (samples, channels), in their place."""
        array = scores.copy()
        where = array.ctypes.data_as(POINTER(c_float))
        number, samples = c_size_t(output), c_int64(len(scores))
        self.library.call("probabilities", self.handle, number, samples, where, where)
        return array

    def tensors(self, what: str) -> list[Tensor]:
        count = getattr(self.library.c, f"signbit_{what}_count")(self.handle)
        return [self.tensor(what, index) for index in range(count)]

    def nodes(self) -> list[Node]:
        nodes = []
        for number in range(self.library.c.signbit_node_count(self.handle)):
            nodes.append(Node(ctypes.sizeof(Node)))
            self.library.call("graph_node", self.handle, c_size_t(number), byref(nodes[-1]))
        return nodes

    def sizes(self) -> Sizes:
        found = Sizes(ctypes.sizeof(Sizes))
        self.library.call("model_sizes", self.handle, byref(found))
        return found

    def times(self, samples: int, inputs: Sequence[InOut], runs: int) -> list[Time]:
        count = len(self.nodes())
        times = (Time * count)()
        given = (InOut * max(len(inputs), 1))(*inputs)
        self.library.call(
            "time_nodes", self.context, c_int64(samples), given, c_size_t(len(inputs)),
            c_int32(runs), times, c_size_t(count),
        )  # fmt: skip
        return list(times)

    def run_nodes(self, samples: int, feeds: Sequence[Value], fetches: Sequence[Value]) -> None:
        fed, got = ((Value * max(len(list_), 1))(*list_) for list_ in (feeds, fetches))
        counts = c_size_t(len(feeds)), c_size_t(len(fetches))
        self.library.call(
            "run_nodes", self.context, c_int64(samples), fed, counts[0], got, counts[1]
        )

    def classes(self, output: int) -> list[str]:
        count = self.tensor("output", output).classes
        name = self.library.c.signbit_class_name
        return [name(self.handle, c_size_t(output), c_size_t(i)).decode() for i in range(count)]

    def run(self, samples: int, inputs: Sequence[Array]) -> list[Array]:
        shapes = [(samples, t.height, t.width, t.channels) for t in self.tensors("output")]
        kinds = [t.kind for t in self.tensors("output")]
        results = [np.empty(s, _RESULTS[k]) for s, k in zip(shapes, kinds, strict=True)]
        self.run_arrays(samples, [in_out(a) for a in inputs], [in_out(a) for a in results])
        return results

    def run_arrays(self, samples: int, inputs: Sequence[InOut], outputs: Sequence[InOut]) -> None:
        given, got = ((InOut * max(len(list_), 1))(*list_) for list_ in (inputs, outputs))
        counts = c_size_t(len(inputs)), c_size_t(len(outputs))
        self.library.call("run", self.context, c_int64(samples), given, counts[0], got, counts[1])

    def fit(self, photo: npt.NDArray[np.uint8], row_bytes: int = 0) -> npt.NDArray[np.uint8]:
        """A photo (H, W, channels) as the model's first input."""
        spec = self.tensor("input", 0)
        pixels = np.empty((spec.height, spec.width, spec.channels), np.uint8)
        given = Photo(ctypes.sizeof(Photo), photo.ctypes.data, *photo.shape, row_bytes)
        where = pixels.ctypes.data_as(POINTER(c_uint8))
        size = c_size_t(pixels.nbytes)
        self.library.call("fit_photo", self.handle, c_size_t(0), byref(given), where, size)
        return pixels


def in_out(array: Array) -> InOut:
    """An array of uint8, int8 or float32 as the library takes it."""
    (kind,) = [number for number, dtype in _TYPES.items() if dtype == array.dtype]
    return InOut(array.ctypes.data, array.nbytes, kind)
