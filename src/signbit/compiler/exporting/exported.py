"""PyTorch's side: exporting a model, and replaying the export while every value is recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.fx.experimental._config as shape_options
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx import Interpreter
from torch.fx import Node as FxNode

from signbit.compiler.checks.batch_size import (
    OF_ONE_BATCH_SIZE,
    ask_for_batch_size,
    holds_for_every_batch_size,
)
from signbit.compiler.checks.exportable import (
    in_training_mode,
    of_training_mode,
    require_exportable,
)
from signbit.compiler.checks.guards import Watch, open_inputs
from signbit.compiler.exporting.places import place_of_call, place_of_error
from signbit.compiler.exporting.quiet import quiet_torch
from signbit.compiler.ir import Origin
from signbit.errors import CompileError, Refusal

__all__ = [
    "PartialReplay",
    "Replay",
    "export",
    "export_of",
    "filled",
    "is_of_images",
    "normalise",
    "open_sizes",
    "origin_of",
    "stored_tensors",
]

_COMPARISONS = {"lt.", "le.", "gt.", "ge."}


def export(model: nn.Module, input_size: tuple[int, int, int]) -> ExportedProgram:
    """`torch.export` of a model of images in evaluation mode, the batch size left open.

    input_size is (height, width, channels). The result has no operations that write into their
    input. Raises CompileError where the model trains, cannot be exported, or is not the same for
    every batch size, one image included.
    """
    height, width, channels = input_size
    return export_of(model, torch.zeros(2, channels, height, width))


def export_of(model: nn.Module, *example: Tensor) -> ExportedProgram:
    """As `export`, of a model of any inputs; example: two samples of each."""
    require_exportable(model)
    with open_sizes():
        try:
            functional, fixed = _followed(model, example, Dim("batch"))
        except CompileError:  # of what the model returns
            raise
        except Exception as error:  # a model of anyone's, which raises what it likes
            watch = ask_for_batch_size(model, example)
            why = _why_not_followed(model, example, error, watch)
            of_strides = "Constraints violated" in str(error) and watch.saw_all
            if in_training_mode(model) or watch.guard is not None or not of_strides:
                raise why from _cause(error)
            functional, fixed = _for_two_or_more(model, example, why)
        if fixed:
            watch = ask_for_batch_size(model, example)
            of_result = _of_one_batch_size(model)
            raise CompileError(watch.refusal(*OF_ONE_BATCH_SIZE) if watch.guard else of_result)
    for fx in functional.graph.output_node().all_input_nodes:
        value = fx.meta["val"]
        if isinstance(value, Tensor) and any(
            isinstance(size, torch.SymInt) for size in value.shape[1:]
        ):
            raise CompileError(_of_one_batch_size(model))
    return functional


def _followed(
    model: nn.Module, example: tuple[Tensor, ...], batch: Any
) -> tuple[ExportedProgram, bool]:
    """The export, and whether it is of some batch sizes alone."""
    inputs = open_inputs(model, {0: batch}, len(example))
    program = torch.export.export(model, example, dynamic_shapes=inputs)
    # No decomposition, but in-place operations become plain ones.
    functional: ExportedProgram = program.run_decompositions({})
    return functional, not holds_for_every_batch_size(program)


def _for_two_or_more(
    model: nn.Module, example: tuple[Tensor, ...], why: CompileError
) -> tuple[ExportedProgram, bool]:
    """The same where only torch's own code tells one image from more, which is about strides."""
    try:
        return _followed(model, example, Dim("batch", min=2))
    except Exception as error:
        raise why from _cause(error)


def _cause(error: Exception) -> Exception | None:
    """What a model's own code raised; torch's errors say nothing that the refusal does not."""
    return None if _is_torchs(error) else error


def _is_torchs(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] == "torch"


def _why_not_followed(
    model: nn.Module, example: tuple[Tensor, ...], error: Exception, watch: Watch
) -> CompileError:
    """The error for a model that torch.export failed on; what is in training mode may be why."""
    if names := in_training_mode(model):
        return CompileError(*map(of_training_mode, names))
    if watch.guard is not None:
        return CompileError(watch.refusal(*OF_ONE_BATCH_SIZE))
    said = str(error).strip().partition("\n")[0]
    if not _is_torchs(error) and not isinstance(error, RuntimeError):
        said = f"{type(error).__name__}: {said}".removesuffix(": ")
    clearer, cure = next((known for words, known in _KNOWN.items() if words in said), ("", ""))
    reason = (
        f"torch.export cannot follow {type(model).__name__} for {_described(example)} and any "
        f"batch size: {clearer or said}"
    )
    return CompileError(Refusal(watch.running, "", reason, cure, *place_of_error(error)))


_KNOWN = {
    "data-dependent": (
        "what it does depends on values computed of the images",
        "leave out what makes a number of a value: a branch on it, float(x), x.item()",
    ),
    ".numpy()": (
        "it computes with NumPy",
        "write it with PyTorch's operations: torch.clip(x, 0, 1), not np.clip(x.numpy(), 0, 1)",
    ),
    "argument": (
        "",
        "its forward must take the images alone, (N, C, H, W); several inputs are named by "
        "`inputs`",
    ),
}
"""Words of an error → what it is about, where they are torch's own; what to write instead."""


def _described(example: tuple[Tensor, ...]) -> str:
    """What a model was given, in words."""
    if len(example) == 1 and example[0].dim() == 4:
        _, channels, height, width = example[0].shape
        return f"images of {height}×{width}×{channels}"
    sizes = ["×".join(map(str, each.shape[1:])) for each in example]
    return f"inputs of {' and '.join(sizes)}"


def _of_one_batch_size(model: nn.Module) -> Refusal:
    return Refusal(f"the result of {type(model).__name__}", "", *OF_ONE_BATCH_SIZE)


@contextmanager
def open_sizes() -> Iterator[None]:
    """How models are exported: sizes of 1 stay open, too, which torch.export else fixes."""
    oblivious = shape_options.patch(backed_size_oblivious=True)  # type: ignore[attr-defined]
    with torch.no_grad(), quiet_torch(), oblivious:
        yield


def origin_of(fx: FxNode) -> Origin:
    """Where the value of a node of an exported graph comes from."""
    stack = fx.meta.get("nn_module_stack") or {}
    paths = [path for path, _ in stack.values()]
    target = str(fx.target)
    target = target.removesuffix(".default")
    return Origin(fx.name, paths[-1] if paths else "", target, place=place_of_call(fx))


def stored_tensors(program: ExportedProgram) -> dict[str, Tensor]:
    """Placeholder of the exported graph -> its parameter, buffer or lifted constant."""
    signature = program.graph_signature
    targets = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    stored: dict[str, Tensor] = {}
    for placeholder, target in targets.items():
        value = program.state_dict.get(target, program.constants.get(target))
        assert isinstance(value, Tensor), target
        stored[placeholder] = value.detach()
    return stored


def normalise(images: npt.NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """(x / 255 − mean) / std of pixels (N, H, W, C) as (N, C, H, W): what a model is trained on.

    mean and std: one per channel.
    """
    # PyTorch chooses layouts by the strides it is given (one channel leaves them ambiguous), and
    # the export has a `view` where the model may have a `reshape`.
    moved = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    pixels = moved.clone(memory_format=torch.contiguous_format).float() / 255
    return (pixels - torch.tensor(mean).reshape(-1, 1, 1)) / torch.tensor(std).reshape(-1, 1, 1)


def filled(fx: FxNode) -> Tensor:
    """A new tensor of fixed sizes, or the number that one of its first argument's size holds.

    Of that argument it takes the kind of number alone.
    """
    function = cast("Callable[..., Tensor]", fx.target)
    (like,) = fx.all_input_nodes
    return function(torch.empty((), dtype=like.meta["val"].dtype), *fx.args[1:], **fx.kwargs)


def is_of_images(fx: FxNode) -> bool:
    """Whether an exported value has one entry for each image: a bound that is constant has none."""
    sizes = fx.meta["val"].shape
    return len(sizes) > 0 and isinstance(sizes[0], torch.SymInt)


class Replay(Interpreter):
    """Runs an exported program on images and keeps the tensors of the nodes asked for.

    Of a comparison it keeps the `distance`.
    """

    def __init__(self, program: ExportedProgram, wanted: Collection[str] = ()) -> None:
        super().__init__(program.graph_module)
        self.stored = stored_tensors(program)
        self.wanted = frozenset(wanted)
        self.recorded: dict[str, Tensor] = {}

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """What the model takes, of N samples, to its results, as `result_names` calls them.

        `recorded` then holds the batch's values.
        """
        self.recorded = {}
        with torch.no_grad():
            return list(self.run(*inputs))

    def placeholder(self, target: Any, args: Any, kwargs: Any) -> Any:
        # Lifted parameters are not arguments of `run`, which are the model's own inputs.
        return (
            self.stored[target]
            if target in self.stored
            else super().placeholder(target, args, kwargs)
        )

    def run_node(self, n: FxNode) -> Any:
        result = super().run_node(n)
        if n.name in self.wanted:
            is_compared = str(n.target).removeprefix("aten.")[:3] in _COMPARISONS
            self.recorded[n.name] = self.distance(n, result) if is_compared else result
        return result

    def distance(self, n: FxNode, result: Tensor) -> Tensor:
        """How far the values of images are from what they are compared with, no distance being 0.

        It is negative where they are below, which a comparison by ≤ or > says of equal ones.
        """
        left, right = self.fetch_args_kwargs_from_env(n)[0]
        is_first = isinstance(n.args[0], FxNode) and is_of_images(n.args[0])
        is_less = str(n.target).startswith("aten.l")
        below = result if is_less == is_first else ~result
        far = (left - right).abs().clamp_min(torch.finfo(torch.float32).tiny)
        return torch.where(below, -far, far)


class PartialReplay(Replay):
    """Computes the nodes asked for and what they need, and yields no result."""

    def __init__(self, program: ExportedProgram, wanted: Collection[str]) -> None:
        super().__init__(program, wanted)
        pending = [fx for fx in program.graph.nodes if fx.name in self.wanted]
        self.needed = set(pending)
        while pending:
            inputs = set(pending.pop().all_input_nodes) - self.needed
            self.needed |= inputs
            pending += inputs

    def run_node(self, n: FxNode) -> Any:
        if n.op == "output":
            return (None,)
        return super().run_node(n) if n in self.needed else None
