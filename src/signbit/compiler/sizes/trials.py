"""Compiles a model at other sizes of its images, and compares the file with PyTorch there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.export import ExportedProgram

import signbit
from signbit.bitformat.container import encode
from signbit.bitformat.graph import Pair, at_size
from signbit.bitformat.table import LIMITS
from signbit.bitformat.validate import validate
from signbit.compiler.compiled import Compiled, OtherSize
from signbit.compiler.exporting.answers import named_results
from signbit.compiler.sizes.paths import graphs_differ, has_fewer_maps, names_of, programs_differ
from signbit.compiler.verification.verify import verify
from signbit.errors import CompileError, InputError, ModelFileError

__all__ = ["for_any_size"]

_NEEDED = 3
"""Other sizes that a file is compared with PyTorch at."""
_IMAGES = 2


def for_any_size(
    model: nn.Module,
    compiled: Compiled,
    apart: Iterable[Pair],
    compile_at: Callable[[Pair], Compiled],
) -> Compiled:
    """A file that may be loaded at any height and width, of a model compiled at one size.

    model: in evaluation mode. apart: sizes to try beside the usual ones, as `require_open_sizes`
    found them, so that nothing fixes the size. compile_at: compiles the model for another size,
    with all the sets of taps that sizes have. Raises CompileError where another size gives another
    graph or other answers than PyTorch's, and where fewer than three other sizes fit.
    """
    height, width, _ = compiled.graph.inputs[0].shape
    trials = _Trials(model, compiled, compile_at)
    fitting = list(islice(filter(trials.runs, _usual_sizes(height, width)), _NEEDED))
    if not fitting:
        raise trials.too_few()
    # In large images no map is a single pixel, in which a place cannot be told from "everywhere".
    trials.begin(max(fitting, key=lambda size: size[0] * size[1]))
    if not trials.compare(trials.base):
        raise trials.refuse(trials.base, trials.found[trials.base].why)
    tried = [size for size in trials.found if size != trials.base]
    for size in (*fitting, *tried, *apart):
        trials.compare(size)
    for size in _usual_sizes(height, width):
        if len(trials.fit) < _NEEDED and size not in trials.found:
            trials.compare(size)
    if len(trials.fit) < _NEEDED:
        raise trials.too_few()
    for size in _smallest(height, width):
        if trials.compare(size):
            break
        del trials.found[size]  # too small, which is no news
    return trials.result()


def _usual_sizes(height: int, width: int) -> Iterator[Pair]:
    """Larger and smaller ones, odd ones first, then some that keep the divisors of this size."""
    sizes = [
        (2 * height + 1, (3 * width // 2) | 1),
        ((3 * height // 4) | 1, width // 2),
        (height + height // 4, (5 * width // 8) | 1),
        (2 * height, width),
        (height, 2 * width),
        (height // 2, width // 2),
        (3 * height, 2 * width),
    ]
    most = LIMITS["size"]
    for size in dict.fromkeys(sizes):
        if size != (height, width) and min(size) >= 1 and max(size) <= most:
            yield size


def _smallest(height: int, width: int) -> Iterator[Pair]:
    """Squares of few pixels, smaller than this size."""
    sides = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32)
    return ((side, side) for side in sides if side < min(height, width))


class _Trials:
    """What was found at each size so far."""

    def __init__(
        self, model: nn.Module, compiled: Compiled, compile_at: Callable[[Pair], Compiled]
    ) -> None:
        self.model = model
        self.compiled = compiled
        self.compile_at = compile_at
        height, width, _ = compiled.graph.inputs[0].shape
        self.base = (height, width)
        self.compilations = {self.base: compiled}
        """The compilations that are needed again."""
        self.found: dict[Pair, OtherSize] = {}

    def runs(self, size: Pair) -> bool:
        """Whether PyTorch has an answer for images of this size."""
        channels = self.compiled.graph.inputs[0].shape[2]
        try:
            with torch.no_grad():
                answers = named_results(self.model(torch.zeros(1, channels, *size)))
            is_empty = any(not answer.numel() for answer in answers.values())
            why = "its answer is empty" if is_empty else ""
        except Exception as error:  # a model of anyone's, which raises what it likes
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
        if why:
            self.found[size] = OtherSize(size, why=f"PyTorch: {why}")
        return not why

    def begin(self, size: Pair) -> None:
        """Make the file, of the model as it is compiled for this size."""
        self.file = self.compilations[size] = self.compiled_at(size)
        self.require_same(self.base, self.compiled)
        graph = replace(self.file.graph, inputs=self.compiled.graph.inputs, any_size=True)
        try:
            data = encode(graph, self.file.constants)
        except ModelFileError as error:
            raise self.refuse(size, f"the network does not fit into a file: {error}") from error
        self.file = replace(self.file, graph=graph, data=data, inputs=self.compiled.inputs)

    def compare(self, size: Pair) -> bool:
        """Whether images of this size fit; CompileError where the file would be wrong for them."""
        runs = self.runs(size)
        try:
            graph = at_size(self.file.graph, size)
            validate(graph, self.file.constants)
            engine = signbit.load(self.file.data, input_size=size)
        except (ModelFileError, InputError) as error:
            self.found.setdefault(size, OtherSize(size, why=f"the file: {error}"))
            return False
        if not runs:
            raise self.refuse(size, f"{self.found[size].why}; but a file would have an answer")
        other = self.compiled_at(size)
        self.require_same(size, other)
        compared = replace(self.of_program(other.program), graph=graph)
        agreement = verify(compared, self.images(size), engine=engine)
        if not agreement.agrees:
            wrong = ", ".join(node.name for node in agreement.nodes if not node.agrees)
            raise self.refuse(size, f"the engine and PyTorch disagree on {wrong}")
        self.found[size] = OtherSize(size, agreement)
        return True

    def require_same(self, size: Pair, other: Compiled) -> None:
        """Refuse a model that becomes something else than the file at this size."""
        if different := programs_differ(self.file.program, other.program):
            raise self.refuse(size, different)
        different = graphs_differ(self.file, other)
        if different and not has_fewer_maps(self.file.program, other.program):
            raise self.refuse(size, different)

    def of_program(self, program: ExportedProgram) -> Compiled:
        """The file, as one that came from another export."""
        names = names_of(self.file.program, program)
        nodes, tensors = self.file.node_provenance, self.file.tensor_provenance
        return replace(
            self.file,
            program=program,
            node_provenance={name: each.renamed(names) for name, each in nodes.items()},
            tensor_provenance={number: each.renamed(names) for number, each in tensors.items()},
        )

    def compiled_at(self, size: Pair) -> Compiled:
        """The model compiled for one size, which must be possible where PyTorch answers."""
        try:
            if size not in self.compilations:
                self.compilations[size] = self.compile_at(size)
            return self.compilations.pop(size)
        except CompileError as error:
            raise self.refuse(size, str(error)) from error

    def images(self, size: Pair) -> npt.NDArray[np.uint8]:
        """Random pixels, always the same."""
        shape = (_IMAGES, *size, self.compiled.graph.inputs[0].shape[2])
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    def refuse(self, size: Pair, reason: str) -> CompileError:
        """The error for what is not the same at this size."""
        return CompileError(
            f"at images of {_times(size)}: {reason}. A file of any size needs the same operations "
            "at every size; compile it for one size, or leave out what depends on the size"
        )

    @property
    def fit(self) -> list[Pair]:
        """The other sizes that have been compared."""
        return [size for size, each in self.found.items() if each.agreement and size != self.base]

    def too_few(self) -> CompileError:
        """The error for a file that too few other sizes fit."""
        fit = ", ".join(map(_times, self.fit)) or "none"
        reasons = [f"{_times(each.size)} ({each.why})" for each in self.found.values() if each.why]
        return CompileError(
            f"of the other sizes that were tried {fit} fit, but a file of any size is compared "
            f"with PyTorch at {_NEEDED} of them; these do not fit: {'; '.join(reasons)}"
        )

    def result(self) -> Compiled:
        """The file for any size, with what was found at the others."""
        others = tuple(each for size, each in self.found.items() if size != self.base)
        notice = self.compiled.notice
        return replace(self.of_program(self.compiled.program), notice=notice, sizes=others)


def _times(size: Pair) -> str:
    return f"{size[0]}×{size[1]}"
