"""Both terms of S2-BNN at once: contrastive learning and a teacher's guidance."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.selfsup.head import Embedder
from signbit.selfsup.objectives.contrastive import Contrastive
from signbit.selfsup.objectives.guided import Calibration
from signbit.selfsup.objectives.joined_batch import mean_of_joined
from signbit.selfsup.objectives.objective import Losses

__all__ = ["ContrastiveAndGuided"]


class ContrastiveAndGuided(Contrastive):
    """weights[0]·contrastive + weights[1]·guided; the embedder sees the query view once for both.

    temperature is that of `Contrastive`, guided_temperature that of `Guided`; both classes say what
    the other arguments are, and what they refuse. S2-BNN weighs both with 1. Raises InputError for
    a weight that is not above 0, too: leave that objective out instead.
    """

    def __init__(
        self,
        embedder: Embedder,
        teacher: nn.Module,
        *,
        queue: int,
        momentum: float,
        temperature: float,
        guided_temperature: float,
        weights: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        super().__init__(embedder, queue=queue, momentum=momentum, temperature=temperature)
        if not min(weights) > 0:
            raise InputError(f"weights of the two objectives must be above 0, got {weights}")
        self.weights = weights
        self.calibration = Calibration(embedder, teacher, temperature=guided_temperature)

    def forward(self, query_pixels: Tensor, key_pixels: Tensor | None = None) -> Losses:
        """Two views (N, channels, H, W) of this process's images, parts `contrastive` and `guided`.

        Raises InputError without `key_pixels`.
        """
        _, embedding = self.embedder(query_pixels)
        both = torch.stack(
            [
                self._contrast(embedding, key_pixels),
                self.calibration(embedding, query_pixels),
            ]
        )
        contrastive, guided = mean_of_joined(both)
        total = self.weights[0] * contrastive + self.weights[1] * guided
        return Losses(total, {"contrastive": contrastive.detach(), "guided": guided.detach()})
