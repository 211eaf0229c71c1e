"""The native engine's front: checks arrays, makes them contiguous, allocates results.

All else happens in `_native`, the C API of signbit.h, with the GIL released. Needs NumPy alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from signbit.errors import InputError, IsaError, ModelFileError
from signbit.runtime import _native
from signbit.runtime.node_report import NodeReport, NodeReports, node_reports
from signbit.runtime.options import checked_limits, checked_size, checked_threads
from signbit.runtime.pixel_units import warning_once
from signbit.runtime.ports import DTYPES, Input, Inputs, Output, batch_check, checked_batch, summary
from signbit.runtime.prediction import Prediction, of_images
from signbit.runtime.shown import engine_html
from signbit.runtime.single_nodes import SingleNodes
from signbit.runtime.source import Source

__all__ = ["Engine", "Input", "NodeReport", "Output", "Prediction", "cpu_isas", "load"]

Array = npt.NDArray[Any]


def cpu_isas() -> list[str]:
    """Names of the instruction sets that the engine can use on this machine, best first."""
    return _native.usable_isas()


def load(
    source: str | os.PathLike[str] | bytes,
    threads: int | None = None,
    isa: str | None = None,
    input_size: tuple[int, int] | None = None,
    max_bytes: int | None = None,
    max_operations: int | None = None,
) -> Engine:
    """Load an `.sbnn` file from a path, its bytes, or the Hugging Face Hub: "hub:OWNER/NAME[@REV]".

    `threads` is the most that a call uses; see `Engine.threads`. It defaults to the CPUs that this
    thread may use (`sched_getaffinity`), but to no more than the process's control groups allow (a
    container's CPU quota, rounded up). `isa` names an instruction set; it defaults to the
    environment variable SIGNBIT_ISA, then to the best there is. `input_size` is the (height, width)
    of the image; only a file that was compiled for any size allows another than its own.

    A file that would take more than `max_bytes` of memory (default 4 GiB) or `max_operations`
    (default 10^12) for one image is refused before anything is allocated, with the node's name.
    Memory is the constants as kernels read them, the tensors of one image and the scratch of one
    thread; other threads take their own. The results of one call may take `max_bytes`, too. Of the
    memory, constants may take a 32nd, or 64 times the file's bytes if that is more, as loading a
    file takes as long as they need.

    Raises ModelFileError or ModelVersionError for a file that is missing, cannot be read or takes
    too much, and IsaError for an instruction set that cannot run here. Raises InputError for a
    `source` that is neither a path nor bytes, for a number of threads below 1 or above 1024, for
    limits below 1 or above 2^62, and for an `input_size` that no image has, that the file does not
    allow, at which a layer would have no output, or at which the file takes too much.
    """
    return Engine(source, threads, isa, input_size, max_bytes, max_operations)


class Engine:
    """A loaded model; call it with its inputs. Any number of threads may do so at once.

    Ctrl-C, like any signal whose handler raises, ends a call of the main thread soon; the engine
    remains as it was. It pickles as the bytes of its file and what `load` was given: the defaults
    of the process that loads it count there. A copy is the engine itself, as nothing in it changes.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes,
        threads: int | None = None,
        isa: str | None = None,
        input_size: tuple[int, int] | None = None,
        max_bytes: int | None = None,
        max_operations: int | None = None,
        *,
        _fuse: bool = True,
    ) -> None:
        if isa is not None and (not isinstance(isa, str) or "\0" in isa):
            raise IsaError(f"isa: must be the name of an instruction set, is {isa!r}")
        count = 0 if threads is None else checked_threads(threads)
        size = (0, 0) if input_size is None else checked_size(input_size)
        limits = checked_limits(max_bytes, max_operations)
        self._source = Source(source)
        data = self._source.read()
        try:
            self._model = _native.Model.load(data, count, isa or "", size, limits, fuse=_fuse)
        except ModelFileError as error:
            raise self._source.named(error) from None
        self._options = (threads, isa, input_size, max_bytes, max_operations)
        self._fuse = _fuse
        tensors, nodes = self._model.tensors, self._model.nodes
        graph = json.loads(self.graph_json)  # its names may hold what ends a text in C
        self._origin: dict[str, str] = graph.get("source", {})
        self._names: list[str] = [node["name"] for node in graph["nodes"]]
        numbered = enumerate(graph["inputs"])
        self._inputs = tuple(Input(each["name"], *tensors[number]) for number, each in numbered)
        self._outputs = tuple(
            Output(out["name"], *tensors[int(out["tensor"])], tuple(out.get("classes", ())), *sure)
            for out, sure in zip(graph["outputs"], self._model.confidences, strict=True)
        )
        self._results = [(each.batch_shape, each.dtype) for each in self._outputs]
        self._dtypes = dict(DTYPES)
        # Of convolutions of reals, only an int16 stem has integer sums.
        if any(node["op"] == "real_conv" and any(node["dots"]) for node in nodes):
            self._dtypes["image"] = (np.dtype(np.uint8),)
        self._checks = [
            warning_once(
                each.kind,
                batch_check(repr(each.name), each.kind, each.shape, self._dtypes[each.kind]),
            )
            for each in self._inputs
        ]
        self._is_single = len(self._checks) == len(self._results) == 1
        self._check_first = self._checks[0]
        self._result_shape, self._result_dtype = self._results[0]
        self._most_samples = self._model.most_samples

    def __repr__(self) -> str:
        ports = summary(self._inputs, self._outputs)
        return f"<signbit.Engine {ports}, {self.isa}, threads={self.threads}>"

    def __reduce__(self) -> tuple[partial[Engine], tuple[()]]:
        return partial(type(self), self._source.read(), *self._options, _fuse=self._fuse), ()

    def __copy__(self, memo: object = None) -> Engine:
        return self

    __deepcopy__ = __copy__
    _repr_html_ = engine_html

    def __call__(self, inputs: Inputs, *others: Array) -> Any:
        """Run a batch: images (N, H, W, C), uint8 or float32 in 0 … 255, or float32 reals.

        A model of several inputs takes them in order, or a dict of them by name, and one of several
        outputs returns a dict by name. An output of reals is float32, one of signs int8 (−1 or +1);
        either is (N, channels), or (N, H, W, C) where it is not 1×1. Raises InputError for an input
        that is missing, unknown or of another shape or dtype, for batches of different sizes, for
        float32 pixels that are not finite or that meet an int16 stem, and for results that would
        take more than the `max_bytes` that the model was loaded with.
        """
        if self._is_single and isinstance(inputs, np.ndarray) and not others:
            return self._run_single(inputs)
        given: Any = (inputs, *others) if others else inputs
        count, batch = self._check_inputs(given)
        self._model.check_batch(count)
        results = [np.empty((count, *shape), dtype) for shape, dtype in self._results]
        self._model.run(count, batch, results)
        if len(results) == 1:
            return results[0]
        return {output.name: result for output, result in zip(self._outputs, results, strict=True)}

    def _run_single(self, inputs: Array) -> Array:
        """An array to an array, with few operations beside the model's own."""
        batch = self._check_first(inputs)
        count = len(batch)
        if count > self._most_samples:
            self._model.check_batch(count)  # raises
        result = np.empty((count, *self._result_shape), self._result_dtype)
        self._model.run_single(count, batch, result)
        return result

    def features(self, inputs: Inputs, name: str) -> Array:
        """The output of this name alone, of a batch as a call takes it.

        A module's features are one, by its path: `compile_model(..., keep=["stages.3"])`. Raises
        InputError for another name, and as a call does.
        """
        names = [each.name for each in self._outputs]
        if name not in names:
            raise InputError(
                f"name: the model has no output {name!r}, only {names}; a module's features are "
                "one if it was compiled with keep=[path of the module]"
            )
        answers = self(inputs)
        return np.asarray(answers[name] if isinstance(answers, dict) else answers)

    @overload
    def predict(self, images: str | bytes | os.PathLike[str]) -> Prediction: ...
    @overload
    def predict(self, images: Sequence[Any]) -> list[Prediction]: ...
    @overload
    def predict(self, images: Any, *, return_exceptions: bool = ...) -> Any: ...
    def predict(self, images: Any, *, return_exceptions: bool = False) -> Any:
        """The classes and probabilities of an image by the first output, or a list for several.

        An image is a path; the bytes of an encoded file; a Pillow image; or an array. An array of
        the input's own shape, (H, W, C), goes in as a call takes it (uint8, or float32 in 0 … 255)
        and needs NumPy alone. All others are photographs: scaled, cut and made gray or coloured by
        the rule in the file (docs/format.md), with Pillow. An array that is a photograph is uint8
        (height, width) or (height, width, 1 or 3). Several images are a list or a tuple of any of
        these, or an array of four dimensions; they are run in batches. With `return_exceptions` one
        that cannot be read has its DataError or InputError in the place of its prediction.

        Raises InputError for what is no image, and for a network that is no classifier or says
        nothing of photographs; DataError for a file that cannot be read or decoded; SignbitError
        for scores that are not finite.
        """
        several = isinstance(images, (list, tuple)) or getattr(images, "ndim", 0) == 4
        found = of_images(self, images if several else [images], return_exceptions)
        return [*found] if several else next(found)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What a call takes: name, kind and shape of each."""
        return self._inputs

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What a call gives: name, kind, shape and class names of each."""
        return self._outputs

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one sample of the first input."""
        return self._inputs[0].shape

    @property
    def class_names(self) -> list[str]:
        """One name per channel of the first output, or none."""
        return list(self._outputs[0].classes)

    @property
    def source(self) -> dict[str, str]:
        """Where the model came from: recipe, method and whatever else its writer noted."""
        return dict(self._origin)

    @property
    def graph_json(self) -> str:
        """The file's graph, as it stands there."""
        return self._model.graph_json

    @property
    def threads(self) -> int:
        """How many threads one call may use at most, the caller's included.

        It uses fewer where more would not pay. The first images (some, together at least a
        millisecond) run on one thread and are timed node by node. What a barrier costs, and moving
        data between cores, is measured once per process. From both, each node gets its number of
        threads, down to one, and a batch runs as many images at once as pay. If images are no
        faster so, as where the cores are busy, one thread does the work for a while. `explain`
        shows the numbers. A call leaves alone the cores that its thread may not use at the time,
        and those on which other calls of this process run. No answer depends on any of this.
        """
        return self._model.threads

    @property
    def isa(self) -> str:
        """The instruction set whose kernels run."""
        return self._model.isa

    def run_nodes(
        self, feeds: Mapping[int, Array], fetches: Iterable[int | str]
    ) -> dict[int | str, Array]:
        """Run the nodes that get the fetches from the feeds, and no other; fetch → array.

        Tensors go by their numbers. Feeds and fetches are batches (N, H, W, C): images uint8 or
        float32, reals float32, bits uint8 with 1 = negative. A fed tensor is never computed. The
        fetch `<node>#dots` is the int32 dots of a binary_conv before its pool, or sums of an int16
        stem. Raises InputError for what is unknown, misshapen, or not reachable from the feeds,
        and for float32 images where there is an int16 stem.
        """
        nodes = SingleNodes(self._model, self._inputs, self._names, self._checks, self._dtypes)
        return nodes.run(feeds, fetches)

    def explain(self, inputs: Inputs | None = None) -> NodeReports:
        """Each node with its kernel, its constants' bytes, its time and its share of the limit.

        What a node does besides stands behind its kernel's name: `+signs` of a real_conv that reads
        signs, `+packed` where its weights are; `+steps` where a kernel of its own reads the steps
        one by one, as no other has them all.

        The time is the median over a few runs on these samples, one by one, or on one of zeros,
        each node on as many threads as pay. A pool and the node whose reals only it reads run in
        turns, a band of rows at a time: each has the time of its own turns.

        The limit is measured once per process and instruction set, in a few milliseconds, by loops
        over registers without memory: for signs, one xor, count and add per word (so a kernel that
        counts several words at once may pass 1); for float32, fused multiply-adds. It is that of
        one core, times the node's threads or the CPUs this process may use, whichever is less;
        cores that slow each other down, by frequency or as two threads of one core, lower a share.
        A node's time is all of it: preparing the input, epilogue, and waiting for threads.
        """
        count, batch = (0, []) if inputs is None else self._check_inputs(inputs)
        times = self._model.time_nodes(count, batch, 5)  # runs of each
        return node_reports(self._names, self._model.nodes, times)

    def _check_inputs(self, inputs: Inputs) -> tuple[int, list[Array]]:
        """How many samples there are, and an array for each input, in order."""
        return checked_batch(inputs, [each.name for each in self._inputs], self._checks)
