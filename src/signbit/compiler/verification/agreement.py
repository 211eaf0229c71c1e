"""What a comparison of an engine with PyTorch found: plain data, for a table or for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from signbit.compiler.verification.cosine import median
from signbit.html import shown

__all__ = ["Agreement", "EndToEnd", "NearSign", "NodeAgreement"]

REAL_TOLERANCE = 1e-4
"""How far a node's reals may differ, by the largest: sums of some thousand float32 differ so."""


@dataclass(frozen=True)
class NearSign:
    """A sign that differs because PyTorch's real value lies next to the threshold."""

    image: int
    position: tuple[int, int, int]
    """(y, x, channel)"""
    value: float
    """PyTorch's, whose sign was taken."""


@dataclass
class NodeAgreement:
    """One node of the file, fed PyTorch's own inputs, against PyTorch."""

    name: str
    op: str
    module: str
    dots: int = 0
    """Integers compared: dots of signs, sums of pixels."""
    dots_different: int = 0
    signs: int = 0
    signs_different: int = 0
    """Different signs whose real value is not next to the threshold."""
    signs_near: list[NearSign] = field(default_factory=list)
    """Different signs whose real value is next to the threshold."""
    reals: int = 0
    max_error: float = 0.0
    max_value: float = 0.0
    """Largest absolute error of a real, and largest absolute real, before a relu or a clip."""

    @property
    def relative_error(self) -> float:
        """Largest error by largest value."""
        return self.max_error / self.max_value if self.max_value else self.max_error

    @property
    def agrees(self) -> bool:
        """Integers equal, signs equal but next to the threshold, reals within float32 sums."""
        exact = self.dots_different == 0 and self.signs_different == 0
        return exact and self.relative_error <= REAL_TOLERANCE

    def to_dict(self) -> dict[str, Any]:
        """Itself as JSON values."""
        return {**asdict(self), "relative_error": self.relative_error, "agrees": self.agrees}


@dataclass
class EndToEnd:
    """Images through the whole network: the engine, PyTorch, and PyTorch without oneDNN.

    A binary network amplifies rounding, so PyTorch disagrees with itself where only the order of
    its sums changes: that count is the yardstick for the engine's.
    """

    images: int = 0
    changed: list[int] = field(default_factory=list)
    """Numbers of the images whose top class differs between engine and PyTorch."""
    onednn_disagreements: int = 0
    """Images whose top class differs between PyTorch with and without oneDNN."""
    labelled: bool = False
    engine_correct: int = 0
    pytorch_correct: int = 0
    max_error: float = 0.0
    """Largest absolute difference of an output between engine and PyTorch."""
    cosines: list[float] = field(default_factory=list)
    """The cosine of each image's outputs, engine and PyTorch."""
    onednn_cosines: list[float] = field(default_factory=list)
    """The same of PyTorch with and without oneDNN."""

    @property
    def disagreements(self) -> int:
        """Images whose top class differs between engine and PyTorch."""
        return len(self.changed)

    @property
    def agreement(self) -> float:
        """Share of images with the same top class in engine and PyTorch, 0 to 1."""
        return 1 - self.disagreements / self.images if self.images else 1.0

    @property
    def engine_top1(self) -> float | None:
        """Share of labels met, 0 to 1; None without labels."""
        return self.engine_correct / self.images if self.labelled and self.images else None

    @property
    def pytorch_top1(self) -> float | None:
        """Share of labels met, 0 to 1; None without labels."""
        return self.pytorch_correct / self.images if self.labelled and self.images else None

    def to_dict(self) -> dict[str, Any]:
        """Itself as JSON values."""
        return {
            "images": self.images,
            "disagreements": self.disagreements,
            "onednn_disagreements": self.onednn_disagreements,
            "same_answers": self.agreement,
            "engine_top1": self.engine_top1,
            "pytorch_top1": self.pytorch_top1,
            "max_error": self.max_error,
            "median_cosine": median(self.cosines),
            "onednn_median_cosine": median(self.onednn_cosines),
        }


@dataclass(frozen=True)
class Agreement:
    """Node by node and end to end."""

    nodes: tuple[NodeAgreement, ...]
    end_to_end: EndToEnd

    @property
    def agrees(self) -> bool:
        """Whether every node agrees."""
        return all(node.agrees for node in self.nodes)

    @property
    def near(self) -> dict[str, int]:
        """Signs that differ next to their threshold, images with one, and those of another answer.

        An answer is the top class. Nodes are fed PyTorch's own inputs: what such a sign changes
        behind its node is no other node's difference, but it may be the answer's.
        """
        signs = [near for node in self.nodes for near in node.signs_near]
        images = {near.image for near in signs}
        changed = images.intersection(self.end_to_end.changed)
        return {"signs": len(signs), "images": len(images), "answers_changed": len(changed)}

    def _repr_html_(self) -> str:
        found = self.end_to_end
        facts = [
            ("images", f"{found.images:,}"),
            ("other top class, engine", f"{found.disagreements:,}"),
            ("other top class, PyTorch without oneDNN", f"{found.onednn_disagreements:,}"),
        ]
        heads = ["node", "agrees", "integers", "differ", "signs", "differ", "at threshold", "reals"]
        rows = [
            (
                node.name,
                "yes" if node.agrees else "no",
                *(f"{number:,}" for number in (node.dots, node.dots_different)),
                *(f"{number:,}" for number in (node.signs, node.signs_different)),
                f"{len(node.signs_near):,}",
                f"{node.relative_error:.1e}" if node.reals else "",
            )
            for node in self.nodes
        ]
        title = "Agrees with PyTorch" if self.agrees else "Does not agree with PyTorch"
        return shown(title, facts, heads, rows, numbers=6)

    def to_dict(self) -> dict[str, Any]:
        """Itself as JSON values."""
        return {
            "agrees": self.agrees,
            "nodes": [node.to_dict() for node in self.nodes],
            "near": self.near,
            "end_to_end": self.end_to_end.to_dict(),
        }
