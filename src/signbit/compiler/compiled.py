"""The compiled network and its way to disk."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch.export import ExportedProgram

from signbit.bitformat.container import encode
from signbit.bitformat.graph import Graph, Pair
from signbit.bitformat.validate import validate
from signbit.compiler.constants import Constant
from signbit.compiler.count import ModelCost, count
from signbit.compiler.inputs import ModelInput
from signbit.compiler.lower import Provenance
from signbit.compiler.report import html, report
from signbit.compiler.verification.agreement import Agreement
from signbit.errors import InputError
from signbit.files import checked_path, write_file
from signbit.words import counted

__all__ = ["Compiled", "OtherSize"]


@dataclass(frozen=True)
class OtherSize:
    """What a file of any size was found to do with images of another size than its own."""

    size: Pair
    """(height, width)"""
    agreement: Agreement | None = None
    """How far it agrees with PyTorch, on random pixels; None where the size does not fit."""
    why: str = ""
    """Why the size does not fit."""

    def to_dict(self) -> dict[str, Any]:
        """Itself as JSON values."""
        agreement = self.agreement and self.agreement.to_dict()
        return {"input_size": list(self.size), "agreement": agreement, "why": self.why}


@dataclass(frozen=True)
class Compiled:
    """A compiled network: the file, and what verification needs to hold it against PyTorch."""

    graph: Graph
    constants: dict[str, Constant]
    data: bytes
    """The finished `.sbnn` file."""
    node_provenance: dict[str, Provenance]
    """Name of a node → where it comes from."""
    tensor_provenance: dict[int, Provenance]
    """Number of a tensor → where it comes from."""
    program: ExportedProgram
    inputs: tuple[ModelInput, ...]
    """What the model takes, in the order of the file's inputs."""
    notice: str = ""
    """What was done to the model before it was compiled; empty where nothing was."""
    sizes: tuple[OtherSize, ...] = ()
    """The other sizes that were tried, where the file is of any size."""
    agreement: Agreement | None = None
    """How far it agrees with PyTorch on the images of `compile_model(..., verify=images)`."""

    def __repr__(self) -> str:
        sizes = ", ".join("×".join(map(str, each.shape)) for each in self.graph.inputs)
        nodes = counted(len(self.graph.nodes), "node")
        return f"<Compiled {sizes}: {nodes}, {len(self.data):,} bytes>"

    def _repr_html_(self) -> str:
        return html(self.cost, self.notice, self.agreement)

    @property
    def cost(self) -> ModelCost:
        """Every layer: binary, or real and why; parameters, operations, bytes."""
        return count(self.graph, self.constants, len(self.data))

    @property
    def report(self) -> str:
        """A line for each layer with weights: binary, or real and why."""
        return report(self.cost, self.notice)

    def with_confidence(self, temperature: float, least_probability: float = 0.0) -> Compiled:
        """The same network, whose first output says how sure its scores are.

        temperature: above 0; probabilities are the softmax of scores / temperature, so that above
        1 they are less certain. least_probability: from 0 to below 1; where no class reaches it,
        the answer is "none of these". Both are kept in float32, and change no score.
        Raises InputError for other numbers, or an output that is no vector of scores.
        """
        values = np.array([temperature, least_probability], np.float32)
        if not (np.isfinite(values).all() and values[0] > 0):
            raise InputError(f"temperature: must be a number above 0, is {temperature!r}")
        if not 0 <= values[1] < 1:
            raise InputError(
                f"least_probability: must be from 0 to below 1, is {least_probability!r}"
            )
        first, *others = self.graph.outputs
        tensor = validate(self.graph, self.constants)[first.tensor]
        if tensor.kind != "real" or tensor.shape[:2] != (1, 1):
            raise InputError(f"confidence: the output {first.name!r} is no vector of scores")
        constants = {**self.constants}
        number = first.confidence
        if number is None:
            number = 1 + max(map(int, constants), default=-1)
        constants[str(number)] = values
        graph = replace(self.graph, outputs=(replace(first, confidence=number), *others))
        data = encode(graph, constants)
        return replace(self, graph=graph, constants=constants, data=data)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file beside its target, then rename: an interrupted save leaves the old one.

        A device or FIFO is written to, and a link stays. Raises OSError, which names the target,
        where it is a folder, or its folder is missing or not writable; InputError for what is no
        path.
        """
        write_file(checked_path("path", path), self.data)
