"""From a model in evaluation mode to a finished `.sbnn` file, in order."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from signbit.bitformat.container import encode
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Pair, Resize
from signbit.compiler.checks.constant_signs import require_signs_that_vary
from signbit.compiler.checks.float32 import in_float32
from signbit.compiler.checks.silent_floats import kept_real
from signbit.compiler.compiled import Compiled
from signbit.compiler.count import ALLOWED
from signbit.compiler.exported import export
from signbit.compiler.ir import IMAGE
from signbit.compiler.lower import LOGITS, lower
from signbit.compiler.passes import run_passes
from signbit.compiler.passes.remove_dead import remove_dead
from signbit.compiler.sizes.trials import for_any_size
from signbit.compiler.trace import trace
from signbit.errors import CompileError, ModelFileError

__all__ = ["compile_model"]


def compile_model(
    model: nn.Module,
    *,
    input_size: tuple[int, int, int],
    mean: Sequence[float],
    std: Sequence[float],
    class_names: Sequence[str],
    resize_shorter_side: int,
    interpolation: str = "bilinear",
    source: Mapping[str, str] | None = None,
    allow_real: Sequence[str] = (),
    any_size: bool = False,
) -> Compiled:
    """Compile a network that takes (x / 255 − mean) / std to a file that takes raw pixels x.

    model: in evaluation mode, float images (N, C, H, W) to logits. input_size: (height, width,
    channels). mean, std: one per channel, std > 0. class_names: one per logit, or none.
    resize_shorter_side, interpolation ("bilinear" or "nearest"): how a photograph becomes an
    input. source: free notes of where the model came from. allow_real: module paths of binary
    layers that may compute with reals, as one of their operands is no sign. any_size: whether the
    file may be loaded at another height and width, as in `signbit.load(path, input_size=(H, W))`;
    it is then compared with PyTorch at three other sizes or more (`Compiled.sizes`).
    A model whose parameters are in another precision is compiled as its copy in float32 if they
    have that value there, with a warning; the model itself stays as it is.
    Raises CompileError naming module path, operation and reason for what the engine cannot do, for
    a binary layer that lost its signs and is not in allow_real, for one whose input has the same
    signs whatever the image, and for numbers that are not finite; with any_size also for what fixes
    the size of the images.
    """
    model, notice = in_float32(model)
    if notice:
        warnings.warn(notice, stacklevel=2)
    compiler = _Compiler(
        model,
        input_size[2],
        tuple(map(float, mean)),
        tuple(map(float, std)),
        tuple(class_names),
        Resize(resize_shorter_side, interpolation),
        dict(source or {}) | ({ALLOWED: ", ".join(allow_real)} if allow_real else {}),
        tuple(allow_real),
        any_size,
    )
    height, width, _ = input_size
    compiled = replace(compiler((height, width)), notice=notice)
    return for_any_size(model, compiled, compiler) if any_size else compiled


@dataclass(frozen=True)
class _Compiler:
    """Compiles a model for images of one height and width; fields are as of `compile_model`."""

    model: nn.Module
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    resize: Resize
    source: Mapping[str, str]
    allow_real: tuple[str, ...]
    any_size: bool

    def __call__(self, size: Pair) -> Compiled:
        program = export(self.model, (*size, self.channels))
        real = kept_real(self.model)
        graph = trace(program, self.mean, self.std, real, self.allow_real, self.any_size)
        remove_dead(graph)
        require_signs_that_vary(graph)
        run_passes(graph)
        lowered = lower(graph)
        compiled = Graph(
            inputs=(GraphInput(IMAGE, "image", (*size, self.channels), self.resize),),
            outputs=(GraphOutput(LOGITS, lowered.output, self.class_names),),
            nodes=lowered.nodes,
            source=self.source,
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
            mean=self.mean,
            std=self.std,
        )
