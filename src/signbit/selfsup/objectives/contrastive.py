"""MoCo v2: an image's two views are to be told from all other images.

He, Fan, Wu, Xie, Girshick 2020, "Momentum Contrast for Unsupervised Visual Representation
Learning"; Chen, Fan, Girshick, He 2020, "Improved Baselines with Momentum Contrastive Learning".
"""

from __future__ import annotations

import torch
from torch import Tensor

from signbit.errors import InputError
from signbit.selfsup.head import Embedder
from signbit.selfsup.objectives.joined_batch import mean_of_joined
from signbit.selfsup.objectives.momentum import momentum_copy, require_momentum, update_momentum
from signbit.selfsup.objectives.objective import Losses, Objective, normalised, require_temperature
from signbit.selfsup.objectives.queue import KeyQueue
from signbit.selfsup.objectives.shuffle import encode_joined

__all__ = ["Contrastive"]


class Contrastive(Objective):
    """−log( exp(q·k⁺/τ) / (exp(q·k⁺/τ) + Σ exp(q·k/τ)) ) over the keys k of a queue.

    He et al. 2020, equation 1. q is the normalised embedding of the query view by `embedder`, k⁺
    that of the key view by `key_encoder`, a copy that follows it with `momentum`. The queue holds
    the `queue` last keys of all processes, in the order of the joined batch; it is the same on
    each. Where batch normalisation is not synchronised, several processes shuffle the key view
    (`objectives.shuffle`). MoCo v2 on ImageNet: queue 65536, momentum 0.999, temperature 0.2.

    The order of a step is forward, backward, optimiser, `after_step`, which moves the key encoder
    and puts the step's keys into the queue. That is MoCo's own order, seen from a step's end: there
    the key encoder moves before the next forward. In eval mode no keys are kept.

    Raises InputError for queue < 1, a momentum outside 0 … 1, or a temperature outside
    0.001 … 1000.
    """

    needs_two_views = True

    def __init__(
        self, embedder: Embedder, *, queue: int, momentum: float, temperature: float
    ) -> None:
        super().__init__(embedder)
        self.momentum = require_momentum(momentum)
        self.temperature = require_temperature(temperature)
        self.key_encoder = momentum_copy(embedder)
        self.queue = KeyQueue(queue, embedder.head.out)
        self._pending: list[Tensor] = []

    def forward(self, query_pixels: Tensor, key_pixels: Tensor | None = None) -> Losses:
        """Two views (N, channels, H, W) of this process's images, part `contrastive`.

        Raises InputError without `key_pixels`.
        """
        _, embedding = self.embedder(query_pixels)
        loss = mean_of_joined(self._contrast(embedding, key_pixels))
        return Losses(loss, {"contrastive": loss.detach()})

    def after_step(self) -> None:
        """Move the key encoder towards the updated embedder; enqueue the keys of the step."""
        update_momentum(self.key_encoder, self.embedder, self.momentum)
        for keys in self._pending:
            self.queue.enqueue(keys)
        self._pending.clear()

    def _contrast(self, embedding: Tensor, key_pixels: Tensor | None) -> Tensor:
        """The loss of each image (N,), from the query's embedding (N, dim)."""
        if key_pixels is None:
            raise InputError("a contrastive objective compares two views: give key_pixels too")
        key = self._keys(key_pixels)
        # 16 bits would leave three digits of a logit.
        with torch.autocast(embedding.device.type, enabled=False):
            query = normalised(embedding)
            same = (query * key).sum(1, keepdim=True)
            others = query @ self.queue.keys.to(query.dtype).T
            logits = torch.cat([same, others], 1) / self.temperature
            return logits.logsumexp(1) - logits[:, 0]

    @torch.no_grad()
    def _keys(self, pixels: Tensor) -> Tensor:
        """The keys of the own images (N, dim); those of all processes wait for `after_step`."""
        own, joined = encode_joined(self.key_encoder, self._encode, pixels)
        if self.training:
            self._pending.append(joined)
        return own

    def _encode(self, pixels: Tensor) -> Tensor:
        _, embedding = self.key_encoder(pixels)
        return normalised(embedding)
