"""S2-BNN's guidance: a binary network takes over the distributions of a real one.

Shen, Liu, Qin, Huang, Cheng, Savvides 2021, "S2-BNN: Bridging the Gap Between Self-Supervised Real
and 1-bit Neural Networks via Guided Distribution Calibration".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.selfsup.head import Embedder
from signbit.selfsup.objectives.joined_batch import mean_of_joined
from signbit.selfsup.objectives.objective import Losses, Objective, normalised, require_temperature

__all__ = ["Calibration", "Guided"]


class Guided(Objective):
    """−Σ_d p_d·log q_d, p = softmax(teacher/τ), q = softmax(student/τ) over the dimensions d.

    Both embeddings are normalised and of the same view; S2-BNN has τ = 0.2. "Guided only" in the
    paper: there is neither a queue nor a momentum encoder.

    teacher: any module that maps the student's images to (N, dim). It is put into eval mode, and
    its parameters lose their gradients. It moves with the objective from device to device, but
    stays out of parameters(), modules() and state_dict(), as it can be had again from where it came
    from. Raises InputError where its width is not the embedding's (both are named), and for a
    temperature outside 0.001 … 1000.
    """

    def __init__(self, embedder: Embedder, teacher: nn.Module, *, temperature: float) -> None:
        super().__init__(embedder)
        self.calibration = Calibration(embedder, teacher, temperature=temperature)

    def forward(self, query_pixels: Tensor, key_pixels: Tensor | None = None) -> Losses:
        """One view (N, channels, H, W) of this process's images, part `guided`.

        `key_pixels` is what other objectives take; it is left alone.
        """
        _, embedding = self.embedder(query_pixels)
        loss = mean_of_joined(self.calibration(embedding, query_pixels))
        return Losses(loss, {"guided": loss.detach()})


class Calibration(nn.Module):
    """The loss of `Guided` on its own: (embedding (N, dim), pixels) → (N,), for each image."""

    def __init__(self, embedder: Embedder, teacher: nn.Module, *, temperature: float) -> None:
        super().__init__()
        self.temperature = require_temperature(temperature)
        # In a tuple, where nn.Module does not look for children.
        self._teacher = (teacher.eval().requires_grad_(False),)
        _require_width(teacher, embedder)

    @property
    def teacher(self) -> nn.Module:
        """The frozen network, in eval mode."""
        return self._teacher[0]

    def forward(self, embedding: Tensor, pixels: Tensor) -> Tensor:
        # As a child of the user's own module, too, it is put into train mode along with that.
        self.teacher.eval()
        with torch.no_grad():
            answers = self.teacher(pixels)
        # 16 bits would leave three digits of a logarithm.
        with torch.autocast(embedding.device.type, enabled=False):
            wanted = (normalised(answers) / self.temperature).softmax(1)
            return -(wanted * (normalised(embedding) / self.temperature).log_softmax(1)).sum(1)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        """What to(), cuda(), double() and the like call: the teacher goes along."""
        self.teacher._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]


@torch.no_grad()
def _require_width(teacher: nn.Module, embedder: Embedder) -> None:
    """Raise InputError unless the teacher maps one of the student's images to (1, head.out)."""
    backbone, wanted = embedder.backbone, embedder.head.out
    some = next((each for each in teacher.parameters()), torch.empty(0))
    image = torch.zeros((1, backbone.channels, *backbone.input_size)).to(some)
    answer = teacher(image)
    if not isinstance(answer, Tensor) or answer.shape != (1, wanted):
        got = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        raise InputError(
            f"the teacher's embedding must be as wide as the student's, {wanted}: for one image it "
            f"gave {got}, not (1, {wanted})"
        )
