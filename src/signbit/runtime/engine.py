"""The native engine's front: checks arrays, makes them contiguous, allocates results.

Everything else happens in `_native`, with the GIL released. Needs NumPy and nothing more.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, SupportsIndex, TypedDict

import numpy as np
import numpy.typing as npt

from signbit.bitformat.int16_stem import REFUSAL
from signbit.errors import InputError, IsaError, ModelFileError
from signbit.runtime import _native

__all__ = ["Engine", "NodeReport", "cpu_isas", "load"]

Array = npt.NDArray[Any]

_DOTS = "#dots"
_TIMING_RUNS = 5
_MAX_THREADS = 1024
_DTYPES = {
    "image": (np.dtype(np.uint8), np.dtype(np.float32)),
    "real": (np.dtype(np.float32),),
    "bits": (np.dtype(np.uint8),),
}


class NodeReport(TypedDict):
    """One node of `Engine.explain`; bytes are its constants', ms and macs one image's.

    threads is how many the node ran on. limit_gmacs_per_s is what their cores can do at most, and
    share is gmacs_per_s divided by it; both are None but for convolutions of signs and of float32.
    See `Engine.explain` for what the limit means.
    """

    name: str
    op: str
    kernel: str
    bytes: int
    threads: int
    ms: float
    macs: int
    gmacs_per_s: float
    limit_gmacs_per_s: float | None
    share: float | None


def cpu_isas() -> list[str]:
    """Names of the instruction sets that the engine can use on this machine, best first."""
    return _native.usable_isas()


def load(
    source: str | os.PathLike[str] | bytes, threads: int | None = None, isa: str | None = None
) -> Engine:
    """Load an `.sbnn` file from a path or from its bytes.

    `threads` is the most that a call uses; see `Engine.threads`. It defaults to the CPUs that this
    thread may use (`sched_getaffinity`), but no more than the process's control groups allow, a
    container's CPU quota rounded up; `isa` to the environment variable SIGNBIT_ISA, then to the
    best there is. Raises ModelFileError or ModelVersionError for a
    file that is missing or cannot be read, IsaError for an instruction set that cannot run
    here, InputError for a number of threads below 1 or above 1024.
    """
    return Engine(source, threads, isa)


class Engine:
    """A loaded model; call it with images. Any number of threads may do so at once."""

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes,
        threads: int | None = None,
        isa: str | None = None,
    ) -> None:
        if isa is not None and not isinstance(isa, str):
            raise IsaError(f"isa: must be the name of an instruction set, is {isa!r}")
        count = 0 if threads is None else _checked_threads(threads)
        if isinstance(source, bytes):
            self._model = _native.Model.load(source, count, isa or "")
        else:
            path = os.fsencode(source)
            if b"\0" in path:
                raise ModelFileError(f"{path!r}: a path cannot contain a null character")
            self._model = _native.Model.open(path, count, isa or "")
        tensors = self._model.tensors
        self._tensors = {name: index for index, (name, _, _) in enumerate(tensors)}
        self._kinds = [kind for _, kind, _ in tensors]
        self._shapes = [shape for _, _, shape in tensors]
        self._names = [name for name, _, _ in tensors]
        self._dtypes = dict(_DTYPES)
        # Of convolutions of reals, only an int16 stem has integer sums.
        if any(node["op"] == "real_conv" and any(node["dots"]) for node in self._model.nodes):
            self._dtypes["image"] = (np.dtype(np.uint8),)
        height, width, channels = self._shapes[self._model.output]
        self._result_shape = (channels,) if height == width == 1 else (height, width, channels)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an Engine cannot be pickled or copied; pass the path or the bytes and load them there"
        )

    def __call__(self, images: Array) -> npt.NDArray[np.float32]:
        """Run uint8 or float32 images (N, H, W, C) in 0 … 255 to float32 (N, classes).

        A network whose output is not 1×1 gives (N, H, W, C). Raises InputError for another
        shape or dtype, for float32 pixels that are not finite or that meet an int16 stem.
        """
        batch = self._checked(self._model.input, images)
        result = np.empty((len(batch), *self._result_shape), np.float32)
        self._model.run(batch, result)
        return result

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image."""
        return self._shapes[self._model.input]

    @property
    def class_names(self) -> list[str]:
        """One name per output channel, or none."""
        return self._model.classes

    @property
    def source(self) -> dict[str, str]:
        """Where the model came from: recipe, method and whatever else its writer noted."""
        return self._model.source

    @property
    def graph_json(self) -> str:
        """The file's graph, as it stands there."""
        return self._model.graph_json

    @property
    def threads(self) -> int:
        """How many threads one call may use at most, the caller's included.

        It uses fewer where more would not pay. The first images (some, together at least a
        millisecond) run on one thread and are timed node by node; what a barrier and moving data
        between cores cost is measured once a process; from both, each node gets its number of
        threads, down to one, and a batch as many images at once as pay; if images are no faster so,
        as where the cores are busy, one thread does it for a while. `explain` shows the numbers.
        A call also leaves alone the cores that its thread may not use at the time, and those on
        which other calls of this process are running. No answer depends on any of it.
        """
        return self._model.threads

    @property
    def isa(self) -> str:
        """The instruction set whose kernels run."""
        return self._model.isa

    def run_nodes(self, feeds: Mapping[str, Array], fetches: Iterable[str]) -> dict[str, Array]:
        """Run the nodes that get the fetches from the feeds, and no other; name → array.

        Feeds and fetches are batches (N, H, W, C): images uint8 or float32, reals float32, bits
        uint8 with 1 = negative. A fed tensor is never computed. The fetch `<node>#dots` is the
        int32 dots of a binary_conv before its pool, or sums of an int16 stem. Raises InputError
        for what is unknown, misshapen, or not reachable from the feeds, and for float32 images
        where there is an int16 stem.
        """
        count, given = self._check_feeds(feeds)
        wanted = list(dict.fromkeys(fetches))
        results: dict[str, Array] = {}
        targets: list[tuple[int, Array]] = []
        for name in wanted:
            if name in feeds:
                results[name] = feeds[name]
                continue
            index, shape, dtype = self._fetch(name)
            results[name] = np.empty((count, *shape), dtype)
            targets.append((index, results[name]))
        self._model.run_nodes(count, given, targets)
        return results

    def explain(self, images: Array | None = None) -> list[NodeReport]:
        """Each node with its kernel, its constants' bytes, its time and its share of the limit.

        What a convolution does besides stands behind its kernel's name: `+map`, `+sums`, `+border`
        of a binary_conv; `+signs` of a real_conv that reads signs, `+packed` where its weights are.

        The time is the median over a few runs on these images, one by one, or on a black one, each
        node on as many threads as pay. A pool and the node whose reals only it reads run in turns,
        a band of rows at a time: each has the time of its own turns.

        The limit is measured once a process and instruction set, in a few milliseconds, by loops
        over registers without memory: for signs, one xor, count and add a word (so a kernel that
        counts several words at once may pass 1); for float32, fused multiply-adds. It is that of
        one core, times the node's threads or the CPUs this process may use, whichever is less;
        cores that slow each other down, by frequency or as two threads of one core, lower a share.
        A node's time is all of it: preparing the input, epilogue, and waiting for threads.
        """
        batch = None if images is None else self._checked(self._model.input, images)
        times = self._model.time_nodes(batch, _TIMING_RUNS)
        reports: list[NodeReport] = []
        for node, (ms, limit, threads) in zip(self._model.nodes, times, strict=True):
            speed = node["macs"] / ms / 1e6 if ms > 0 else 0.0
            reports.append(
                {
                    "name": node["name"],
                    "op": node["op"],
                    "kernel": node["kernel"],
                    "bytes": node["bytes"],
                    "threads": threads,
                    "ms": ms,
                    "macs": node["macs"],
                    "gmacs_per_s": speed,
                    "limit_gmacs_per_s": limit or None,
                    "share": speed / limit if limit else None,
                }
            )
        return reports

    def _check_feeds(self, feeds: Mapping[str, Array]) -> tuple[int, list[tuple[int, Array]]]:
        """The batch size that all feeds share, and (tensor, contiguous array) of each."""
        if not feeds:
            raise InputError("feeds: at least one tensor must be fed")
        given: list[tuple[int, Array]] = []
        for name, array in feeds.items():
            if name not in self._tensors:
                raise InputError(f"feeds: the graph has no tensor {name!r}")
            index = self._tensors[name]
            given.append((index, self._checked(index, array)))
        sizes = {name: len(array) for name, array in feeds.items()}
        if len(set(sizes.values())) > 1:
            raise InputError(f"feeds: batch sizes differ: {sizes}")
        return len(given[0][1]), given

    def _fetch(self, name: str) -> tuple[int, tuple[int, int, int], npt.DTypeLike]:
        """What a fetch yields: its number for the native side, shape of one image, dtype."""
        if name in self._tensors:
            index = self._tensors[name]
            if self._kinds[index] == "image":
                raise InputError(f"feeds: {name!r} is needed and must be fed")
            return index, self._shapes[index], _DTYPES[self._kinds[index]][0]
        for number, node in enumerate(self._model.nodes):
            if name == f"{node['name']}{_DOTS}" and any(node["dots"]):
                return -1 - number, node["dots"], np.int32
        raise InputError(
            f"fetches: {name!r} is neither a tensor nor "
            f"'<name of a binary_conv or int16 stem>{_DOTS}'"
        )

    def _checked(self, index: int, array: Array) -> Array:
        """The array, contiguous, if it can be a batch of this tensor."""
        name, kind, shape = self._names[index], self._kinds[index], self._shapes[index]
        allowed = self._dtypes[kind]
        if not isinstance(array, np.ndarray) or array.dtype not in allowed:
            if isinstance(array, np.ndarray) and array.dtype in _DTYPES[kind]:
                raise InputError(f"{name!r}: {REFUSAL}")
            names = " or ".join(dtype.name for dtype in allowed)
            given = type(array).__name__
            if isinstance(array, np.ndarray):
                given = array.dtype.name
                if not array.dtype.isnative:
                    given += f" in foreign byte order ({array.dtype.str})"
            raise InputError(f"{name!r}: must be a NumPy array of {names}, is {given}")
        if array.ndim != 4 or array.shape[1:] != shape:
            expected = ", ".join(map(str, shape))
            raise InputError(f"{name!r}: must have shape (N, {expected}), has {array.shape}")
        if kind == "bits" and (array > 1).any():
            raise InputError(f"{name!r}: bits must be 0 or 1")
        return np.ascontiguousarray(array)


def _checked_threads(threads: SupportsIndex) -> int:
    """The number, if it is a whole one that an engine can have."""
    try:
        count = operator.index(threads)
    except TypeError:
        raise InputError(f"threads: must be a whole number, is {threads!r}") from None
    if not 1 <= count <= _MAX_THREADS:
        raise InputError(f"threads: must be 1 to {_MAX_THREADS}, is {count}")
    return count
