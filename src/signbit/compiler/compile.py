"""From a model in evaluation mode to a finished `.sbnn` file, in order."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn
from torch.export import ExportedProgram

from signbit.bitformat.container import encode
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Pair, Resize
from signbit.compiler.checks.arguments import (
    Arguments,
    checked_arguments,
    require_one_name_each,
)
from signbit.compiler.checks.collected import Collected
from signbit.compiler.checks.constant_signs import require_signs_that_vary
from signbit.compiler.checks.exportable import (
    in_training_mode,
    require_exportable,
    require_module,
)
from signbit.compiler.checks.float32 import in_float32
from signbit.compiler.checks.given_inputs import why_units
from signbit.compiler.checks.silent_floats import kept_real
from signbit.compiler.compiled import Compiled
from signbit.compiler.count import ALLOWED
from signbit.compiler.exporting.answers import named_answers
from signbit.compiler.exporting.exported import export_of
from signbit.compiler.exporting.wrappers import unwrapped
from signbit.compiler.inputs import ImageInput, ModelInput, Numbers, RealInput, Size
from signbit.compiler.lower import lower
from signbit.compiler.passes import run_passes
from signbit.compiler.passes.remove_dead import remove_dead
from signbit.compiler.sizes.symbolic import require_open_sizes
from signbit.compiler.sizes.trials import for_any_size
from signbit.compiler.trace import trace
from signbit.compiler.verification.verify import verify as compare
from signbit.errors import CompileError, ModelFileError, Refusal, SignbitWarning

__all__ = ["check", "compile_model"]


def compile_model(
    model: nn.Module,
    *,
    input_size: Size | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    inputs: Mapping[str, ImageInput | RealInput] | None = None,
    class_names: Sequence[str] | None = None,
    resize: Resize | None = None,
    resize_shorter_side: int | None = None,
    interpolation: str = "bilinear",
    source: Mapping[str, str] | None = None,
    allow_real: Sequence[str] = (),
    any_size: bool = False,
    keep: Sequence[str] = (),
    verify: npt.NDArray[np.uint8] | Mapping[str, npt.NDArray[Any]] | None = None,
) -> Compiled:
    """Compile a network that takes (x / 255 − mean) / std to a file that takes raw pixels x.

    model: in evaluation mode, float images (N, C, H, W) to logits, or to several results in a dict,
    tuple or dataclass, by whose keys the file's outputs are called ("output.0" and so on in a
    tuple); the scores are the result "logits" or else the first, and the file's first; of an
    AveragedModel, a model in parallel or one of torch.compile what it holds. input_size: (height,
    width, channels); or (height, width) or the side of a square, where mean, std or the first
    convolution says how many channels there are. mean, std: one per channel, or a number for all,
    std > 0, in units where 255 is 1. inputs: in place of these three, for a network of several
    inputs or of reals: an `ImageInput` or a `RealInput` by name, names being those of forward's
    parameters or, where none is, in their order; the file's are in forward's order. class_names:
    one per score, none twice; without them classes are numbers. resize: how a photograph becomes an
    input, its colours too; or resize_shorter_side and interpolation ("bilinear", "bicubic" or
    "nearest") alone; without the former it is the larger side of the input. source: free notes of
    where the model came from. allow_real: module paths of binary layers that may compute with
    reals, as one of their operands is no sign. any_size: whether the file may be loaded at another
    height and width, as in `signbit.load(path, input_size=(H, W))`; it is then compared with
    PyTorch at three other sizes or more (`Compiled.sizes`). keep: module paths whose results are
    outputs, too, by these names (`Engine.features`). verify: images uint8 (N, H, W, C), or a dict
    of samples by input, reals being float32, on which the file is compared with PyTorch
    (`Compiled.agreement`).
    A model whose parameters are in another precision is compiled as its copy in float32 if they
    have that value there, with a SignbitWarning; the model itself stays as it is. A mean or std
    above 1, which no pixels have, is another such warning.
    Raises CompileError naming the argument, for one with which the file could not be read or would
    be of no use; naming module path, operation and reason for what the engine cannot do, for a
    binary layer that lost its signs and is not in allow_real, for one whose input has the same
    signs whatever the image, and for numbers that are not finite; with any_size also for what fixes
    the size of the images, with keep for a module that is not called once for one tensor, with
    verify where the file and PyTorch disagree. Raises InputError for images of another shape.
    """
    require_module(model)
    model = unwrapped(model)
    arguments = checked_arguments(
        model,
        inputs=inputs,
        input_size=input_size,
        mean=mean,
        std=std,
        class_names=class_names,
        resize=resize,
        resize_shorter_side=resize_shorter_side,
        interpolation=interpolation,
        source=source,
        allow_real=allow_real,
        keep=keep,
    )
    model, notice = in_float32(model)
    if any_size and (len(arguments.inputs) > 1 or arguments.inputs[0].kind != "image"):
        raise CompileError("any_size: is for a network of one input, of images; leave it out")
    for said in (notice, *_why_units(arguments.inputs)):
        if said:
            warnings.warn(said, SignbitWarning, stacklevel=2)
    require_exportable(model)  # before anything is hooked to it
    with named_answers(model, arguments.keep):
        compiler = _Compiler(model, arguments, any_size)
        compiled = compiler.for_any_size() if any_size else compiler(arguments.inputs)
    compiled = replace(compiled, notice=notice)
    return compiled if verify is None else _verified(compiled, verify)


def _why_units(inputs: Sequence[ModelInput]) -> list[str]:
    several = len(inputs) > 1
    return [why_units(each, f"inputs[{each.name!r}]." if several else "") for each in inputs]


def _verified(
    compiled: Compiled, images: npt.NDArray[np.uint8] | Mapping[str, npt.NDArray[Any]]
) -> Compiled:
    agreement = compare(compiled, images)
    if not agreement.agrees:
        wrong = ", ".join(node.name for node in agreement.nodes if not node.agrees)
        raise CompileError(f"verify: the engine and PyTorch disagree on {wrong}")
    return replace(compiled, agreement=agreement)


def check(
    model: nn.Module,
    *,
    input_size: Size | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    inputs: Mapping[str, ImageInput | RealInput] | None = None,
    allow_real: Sequence[str] = (),
    any_size: bool = False,
    keep: Sequence[str] = (),
) -> list[Refusal]:
    """Everything about a model that `compile_model` would refuse; empty where it compiles.

    The arguments are those of `compile_model`. mean and std, by default 0.5 and 0.25, matter where
    a layer takes signs of pixels. The model need not be trained, and nothing is kept or written.
    """
    given: dict[str, Any] = {"allow_real": allow_real, "any_size": any_size, "keep": keep}
    if inputs is None:
        mean, std = (0.5 if mean is None else mean), (0.25 if std is None else std)
    try:
        compile_model(model, input_size=input_size, mean=mean, std=std, inputs=inputs, **given)
    except CompileError as error:
        return list(error.refusals)
    return []


@dataclass(frozen=True)
class _Compiler:
    """Compiles a model for inputs of one height and width."""

    model: nn.Module
    arguments: Arguments
    any_size: bool

    def __call__(self, inputs: Sequence[ModelInput]) -> Compiled:
        return self.of(self.exported(inputs), inputs)

    def for_any_size(self) -> Compiled:
        (image,) = self.arguments.inputs
        program = self.exported([image])
        checks = Collected()
        with checks:
            compiled = self.of(program, [image])
        with checks.elsewhere():
            apart = require_open_sizes(self.model, image.shape)
        checks.require_none()
        return for_any_size(self.model, compiled, apart, self.at_size)

    def at_size(self, size: Pair) -> Compiled:
        return self([each.at(size) for each in self.arguments.inputs])

    def exported(self, inputs: Sequence[ModelInput]) -> ExportedProgram:
        return export_of(self.model, *(each.zeros(2) for each in inputs))

    def of(self, program: ExportedProgram, inputs: Sequence[ModelInput]) -> Compiled:
        given = self.arguments
        real = kept_real(self.model)
        training = in_training_mode(self.model)
        graph = trace(program, inputs, real, given.allow_real, self.any_size, training)
        remove_dead(graph)
        require_signs_that_vary(graph)
        require_one_name_each(graph, given.class_names)
        run_passes(graph)
        lowered = lower(graph)
        allowed = {ALLOWED: ", ".join(given.allow_real)} if given.allow_real else {}
        compiled = Graph(
            inputs=tuple(
                GraphInput(each.name, each.kind, each.shape, each.resize, table)
                for each, table in zip(inputs, lowered.tables, strict=True)
            ),
            outputs=tuple(
                GraphOutput(name, number, () if place else given.class_names)
                for place, (name, number) in enumerate(lowered.outputs.items())
            ),
            nodes=lowered.nodes,
            source=given.source | allowed,
        )
        try:
            data = encode(compiled, lowered.constants)
        except ModelFileError as error:
            raise CompileError(f"the network does not fit into a file: {error}") from error
        return Compiled(
            graph=compiled,
            constants=lowered.constants,
            data=data,
            node_provenance=lowered.node_provenance,
            tensor_provenance=lowered.tensor_provenance,
            program=program,
            inputs=tuple(inputs),
        )
